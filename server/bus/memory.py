"""The bus in memory: all there is in one process, and the bad weather between the processes of a simulated world."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from typing import TypeAlias

from server.ports import BusMessage, Rejoined, Telling

Weather: TypeAlias = Callable[[str, str, Telling], Sequence[float]]
"""`(from node, to node, message)` → after how many seconds a copy of the message arrives, for each copy.

`()` loses it, `(0, 0)` repeats it, and different delays reorder.
"""


def fair_weather(sender: str, receiver: str, message: Telling) -> Sequence[float]:
    return (0,)


class MemoryExchange:
    """Where the buses of several processes meet. `weather` may be replaced at any time."""

    def __init__(self, weather: Weather = fair_weather) -> None:
        self.weather = weather
        self._buses: dict[str, MemoryBus] = {}
        self._cut: set[str] = set()

    def cut(self, node: str) -> None:
        """From now on nothing reaches `node`, or comes from it."""
        self._cut.add(node)

    def rejoin(self, node: str) -> None:
        """Undo `cut`: the node is told `Rejoined`. Without a cut nothing happens."""
        if node in self._cut:
            self._cut.discard(node)
            if node in self._buses:
                self._buses[node].take(Rejoined())

    def join(self, bus: MemoryBus) -> None:
        self._buses[bus.node] = bus

    def leave(self, bus: MemoryBus) -> None:
        # A node that has started again joined under the same name before its old self was tidied away.
        if self._buses.get(bus.node) is bus:
            del self._buses[bus.node]

    def carry(self, sender: str, message: Telling) -> None:
        if sender in self._cut:
            return
        for receiver in list(self._buses):
            if receiver != sender:
                for delay in self.weather(sender, receiver, message):
                    self._send(receiver, message, delay)

    def _send(self, receiver: str, message: Telling, delay: float) -> None:
        if delay <= 0:
            self._arrive(receiver, message)
        else:
            asyncio.get_running_loop().call_later(delay, self._arrive, receiver, message)

    def _arrive(self, receiver: str, message: Telling) -> None:
        # Asked on arrival, not on sending: the receiver may have been cut off, or gone, in the meantime.
        if receiver in self._buses and receiver not in self._cut:
            self._buses[receiver].take(message)


class MemoryBus:
    """`Bus` for one process. `close` when the process is over; a crashed one simply is not read from any more."""

    def __init__(self, exchange: MemoryExchange, node: str) -> None:
        self.node = node
        self._exchange = exchange
        self._rooms: set[str] = set()
        self._inbox: asyncio.Queue[BusMessage | None] = asyncio.Queue()
        exchange.join(self)

    def publish(self, message: Telling) -> None:
        self._exchange.carry(self.node, message)

    def listen(self, room: str) -> None:
        self._rooms.add(room)

    def unlisten(self, room: str) -> None:
        self._rooms.discard(room)

    def take(self, message: BusMessage) -> None:
        """A message arrives. Called by the exchange."""
        if self._wanted(message):
            self._inbox.put_nowait(message)

    async def messages(self) -> AsyncIterator[BusMessage]:
        while (message := await self._inbox.get()) is not None:
            # The room may have been closed while its message waited.
            if self._wanted(message):
                yield message

    def close(self) -> None:
        """Leave the exchange; `messages` ends after what has arrived."""
        self._exchange.leave(self)
        self._inbox.put_nowait(None)

    def _wanted(self, message: BusMessage) -> bool:
        return isinstance(message, Rejoined) or message.room in self._rooms
