"""A simulated process of the server: a real `Hub`, and ports through which it can be frozen, cut off and killed.

A request to the store travels there and back. Killed on the way there, the process has written nothing, or something
that it will never hear of; killed on the way back, it has written what nobody was told: both of the bar's crashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from random import Random
from typing import TYPE_CHECKING, TypeVar

from rooms import Position, Recorded, Room, wire
from server.bus.memory import MemoryBus, MemoryExchange
from server.hub import Hub
from server.ports import (
    Appended,
    BusMessage,
    Diverged,
    Kept,
    Missed,
    NewSession,
    SessionRow,
    StoreUnavailable,
    Telling,
)
from server.store.memory import MemoryStore
from tests.world.ledger import Ledger
from tests.world.loop import PROCESS, VirtualClock, VirtualLoop

if TYPE_CHECKING:
    from tests.world.wires import Wire

T = TypeVar("T")

COMMANDS_PER_SECOND = 20.0
SECONDS_TO_STORE = (0.0005, 0.01)
SECONDS_WHEN_BUSY = (0.2, 7.0)
"""Longer than the hub's patience now and then: an append of which nothing is known may still be on its way."""
SECONDS_UNTIL_UNREACHABLE = (0.2, 2.0)
REQUEST_LEAVES_A_DYING_PROCESS = 0.5


class World:
    """What machines and wires share: one loop, one clock, one store, one exchange, one ledger."""

    def __init__(
        self, seed: int, loop: VirtualLoop, store: MemoryStore, exchange: MemoryExchange, ledger: Ledger
    ) -> None:
        self.seed = seed
        self.loop = loop
        self.clock = VirtualClock(loop)
        self.store = store
        self.exchange = exchange
        self.ledger = ledger
        self.store_busy = False
        self._ids = 0
        self._numbers = 0

    def chance(self, name: str) -> Random:
        """Chance of its own for everything that needs some: what one thing does never changes the luck of another."""
        return Random(f"{self.seed}/{name}")

    def be_busy(self, busy: bool) -> None:
        """The store takes its time: half of what travels to it and back takes seconds."""
        self.store_busy = busy

    def new_number(self) -> int:
        """The first of a thousand numbers that nobody else has."""
        self._numbers += 1
        return self._numbers * 1000

    def new_id(self) -> str:
        self._ids += 1
        return f"id-{self._ids:019d}"


class Life:
    """One life of a process, from its start until it is killed."""

    def __init__(self, process: str) -> None:
        self.process = process
        self.over = False
        self.shown = 0
        """The highest number that this process has shown to anybody."""
        self.running = asyncio.Event()
        self.running.set()
        self._held: list[Callable[[], None]] = []

    async def goes_on(self) -> None:
        """Wait while the process is frozen. Never returns once it is dead."""
        while self.over or not self.running.is_set():
            await (asyncio.get_running_loop().create_future() if self.over else self.running.wait())

    def once_running(self, act: Callable[[], None]) -> None:
        """Now, or when it is thawed, in the order of the calls; not at all once it is dead."""
        if self.over:
            return
        if self.running.is_set():
            act()
        else:
            self._held.append(act)

    def freeze(self) -> None:
        self.running.clear()

    def thaw(self) -> None:
        self.running.set()
        held, self._held = self._held, []
        for act in held:
            self.once_running(act)


class Machine:
    """A place where the server runs. It may be killed and started again any number of times."""

    def __init__(self, name: str, world: World) -> None:
        self.name = name
        self.world = world
        self.store_cut = False
        self.bus_cut = False
        self.wires: dict[str, Wire] = {}
        self._lives = 0
        self.life: Life | None = None
        self.start()

    def start(self) -> None:
        """A new process, unless one is running: it knows nothing of the one before it."""
        if self.life is not None:
            return
        self._lives += 1
        self.life = life = Life(f"{self.name}#{self._lives}")
        self._context: Context = copy_context()
        self._context.run(PROCESS.set, life.process)
        self.bus = MemoryBus(self.world.exchange, life.process)
        self._bus_as_before()
        self.hub = Hub(
            store=_StorePort(self, life),
            bus=_BusPort(self.bus, life),
            audience=_AudiencePort(self, life),
            clock=_ClockPort(self.world.clock, life),
            new_id=self.world.new_id,
            node=life.process,
            commands_per_second=COMMANDS_PER_SECOND,
        )
        self.within(self.hub.start)

    def within(self, act: Callable[[], None]) -> None:
        """Run `act` as this process: the tasks that it starts die with it."""
        self._context.run(act)

    @property
    def up(self) -> bool:
        return self.life is not None

    @property
    def frozen(self) -> bool:
        return self.life is not None and not self.life.running.is_set()

    def freeze(self) -> None:
        """The process stands still, as in a long collection of garbage or a virtual machine that is moved."""
        if self.life is not None:
            self.life.freeze()

    def thaw(self) -> None:
        if self.life is not None:
            self.life.thaw()

    def cut_store(self, cut: bool) -> None:
        self.store_cut = cut

    def cut_bus(self, cut: bool) -> None:
        """Cut this machine off from the others, or let it hear them again: then it is told to look what it missed."""
        self.bus_cut = cut
        self._bus_as_before()

    def _bus_as_before(self) -> None:
        act = self.world.exchange.cut if self.bus_cut else self.world.exchange.rejoin
        act(self.bus.node)

    def crash(self) -> None:
        """`kill -9`: everything in its memory is gone, and its connections are reset."""
        if self.life is None:
            return
        self.life.over = True
        self.world.loop.end_tasks_of(self.life.process)
        self.bus.close()
        self.life = None
        for each in list(self.wires.values()):
            each.server_died()
        self.wires.clear()


class _ClockPort:
    def __init__(self, clock: VirtualClock, life: Life) -> None:
        self._clock = clock
        self._life = life

    def monotonic(self) -> float:
        return self._clock.monotonic()

    def wall(self) -> int:
        return self._clock.wall()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)
        await self._life.goes_on()


class _BusPort:
    def __init__(self, bus: MemoryBus, life: Life) -> None:
        self._bus = bus
        self._life = life

    def publish(self, message: Telling) -> None:
        self._life.once_running(lambda: self._bus.publish(message))

    def listen(self, room: str) -> None:
        self._bus.listen(room)

    def unlisten(self, room: str) -> None:
        self._bus.unlisten(room)

    async def messages(self) -> AsyncIterator[BusMessage]:
        async for message in self._bus.messages():
            await self._life.goes_on()
            yield message


class _AudiencePort:
    def __init__(self, machine: Machine, life: Life) -> None:
        self._machine = machine
        self._life = life

    def tell(self, connections: Iterable[str], packet: str) -> None:
        for connection in connections:
            self._to(connection, lambda to: to.tell(packet))

    def show(self, connections: Iterable[str], key: str, packet: str) -> None:
        self.tell(connections, packet)

    def close(self, connection: str, code: str) -> None:
        self._to(connection, lambda to: to.close(wire.goodbye(code)))

    def _to(self, connection: str, act: Callable[[Wire], None]) -> None:
        def reach() -> None:
            found = self._machine.wires.get(connection)
            if found is not None:
                act(found)

        self._life.once_running(reach)


class _StorePort:
    def __init__(self, machine: Machine, life: Life) -> None:
        self._machine = machine
        self._life = life
        self._world = machine.world
        self._chance = machine.world.chance(f"store of {life.process}")

    async def append(
        self, room: str, session: str, after: Position, events: Sequence[Recorded]
    ) -> Appended | Missed | Diverged:
        async def commit() -> Appended | Missed | Diverged:
            result = await self._world.store.append(room, session, after, events)
            if isinstance(result, Appended):
                self._world.ledger.committed(after, events)
            return result

        return await self._write(commit)

    async def load(self, room: str) -> Kept | None:
        return await self._read(lambda: self._world.store.load(room))

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        return await self._read(lambda: self._world.store.after(room, position))

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        return await self._read(lambda: self._world.store.heads(rooms))

    async def snapshot(self, room: Room, trim_to: int, words: bytes) -> None:
        await self._write(lambda: self._world.store.snapshot(room, trim_to, words))

    async def create(self, room: str, at: int) -> Position:
        return await self._write(lambda: self._world.store.create(room, at))

    async def prepare(self, new: NewSession) -> None:
        await self._write(lambda: self._world.store.prepare(new))

    async def closed(self, session: str) -> Kept | None:
        return await self._read(lambda: self._world.store.closed(session))

    async def session(self, session: str) -> SessionRow | None:
        return await self._read(lambda: self._world.store.session(session))

    async def call_off(self, session: str, at: int) -> None:
        await self._write(lambda: self._world.store.call_off(session, at))

    async def sessions(self, room: str | None = None) -> Sequence[SessionRow]:
        return await self._read(lambda: self._world.store.sessions(room))

    async def destroy(self, session: str, at: int) -> None:
        await self._write(lambda: self._world.store.destroy(session, at))

    async def _read(self, work: Callable[[], Awaitable[T]]) -> T:
        await self._unless_cut()
        await asyncio.sleep(self._travel())
        return await self._back(await work())

    async def _write(self, work: Callable[[], Awaitable[T]]) -> T:
        """What has left the process may happen even if its caller has given up or died."""
        await self._unless_cut()
        return await self._back(await asyncio.shield(self._as_the_store(work)))

    async def _back(self, result: T) -> T:
        """The answer is on its way to the process: it may come late, or never."""
        await self._unless_cut()
        await asyncio.sleep(self._travel())
        await self._life.goes_on()
        return result

    def _as_the_store(self, work: Callable[[], Awaitable[T]]) -> asyncio.Task[T]:
        leaves_even_so = self._chance.random() < REQUEST_LEAVES_A_DYING_PROCESS
        travel = self._travel()

        async def handle() -> T:
            await asyncio.sleep(travel)
            if self._life.over and not leaves_even_so:
                await asyncio.get_running_loop().create_future()
            return await work()

        outside = copy_context()
        outside.run(PROCESS.set, "store")
        return outside.run(asyncio.ensure_future, handle())

    def _travel(self) -> float:
        if self._world.store_busy and self._chance.random() < 0.5:
            return self._chance.uniform(*SECONDS_WHEN_BUSY)
        return self._chance.uniform(*SECONDS_TO_STORE)

    async def _unless_cut(self) -> None:
        if self._machine.store_cut:
            await asyncio.sleep(self._chance.uniform(*SECONDS_UNTIL_UNREACHABLE))
            await self._life.goes_on()
            raise StoreUnavailable("unreachable")
