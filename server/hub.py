"""The open rooms of this process: what sockets and pages talk to."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine, Mapping
from typing import Any

import structlog

from rooms import Actor, Already, Command, FromClock, Position, Refusal, Room
from rooms.events import Event
from rooms.pointers import Passing, Way
from rooms.presence import Here
from rooms.wire import Submission
from server.open_room import (
    ALONG,
    STORE_PATIENCE,
    Again,
    Ask,
    Attach,
    CatchUp,
    Compare,
    Destroyed,
    Detach,
    Head,
    Look,
    Mine,
    OpenRoom,
    Outcome,
    Read,
    Reading,
    Reload,
    Seat,
    Shell,
    Submit,
    Tick,
)
from server.ports import Audience, Bus, Clock, Doorbell, InPassing, NewId, Rejoined, Store, StoreUnavailable

__all__ = ["Hub", "Reading", "Seat"]

log = structlog.get_logger("hub")

HEAD_POLL = 1.0
"""Seconds between two questions to the store about where the open rooms stand. Makes the doorbell optional."""
PENDING_PER_CONNECTION = 128
"""Messages of one connection that may wait in an inbox; more than that is a flood."""


class Hub:
    """What sockets and pages talk to. Its synchronous methods put something into an inbox and return at once."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        audience: Audience,
        clock: Clock,
        new_id: NewId,
        node: str,
        commands_per_second: float = 20.0,
    ) -> None:
        self._store = store
        self._bus = bus
        self._audience = audience
        self._clock = clock
        self._shell = Shell(
            node,
            store,
            bus,
            audience,
            clock,
            new_id,
            commands_per_second,
            used=self._used,
            forget=self._forget,
            closed=self._closed,
        )
        self._rooms: dict[str, OpenRoom] = {}
        self._connections: dict[str, OpenRoom] = {}
        self._last_use: dict[str, float] = {}
        self._started_at = clock.monotonic()
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """Begin to listen to the bus and to poll heads. Call once, inside a running loop."""
        self._spawn(self._hear_bus(), "hub bus")
        self._spawn(self._poll_heads(), "hub heads")

    async def stop(self) -> None:
        """Tell everybody to come back soon, then end all tasks. Nothing that was acknowledged depends on this."""
        for connection in list(self._connections):
            self._audience.close(connection, "shutting_down")
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # --- what sockets call ---

    def attach(self, connection: str, seat: Seat, window: str, position: Position | None, way: Way = ALONG) -> None:
        """A window has connected; it is answered with `welcome`, or closed. `way`: how it is here."""
        room = self._open(seat.room)
        self._connections[connection] = room
        room.put(Attach(connection, seat, window, position, way))

    def submit(self, connection: str, submission: Submission) -> None:
        """A command. Answered by its own event, or by `answer`."""
        self._hand_on(Submit(connection, submission))

    def catch_up(self, connection: str, position: Position) -> None:
        """A window has seen a gap, and says where it stands."""
        self._hand_on(CatchUp(connection, position))

    def compare(self, connection: str, position: Position, digests: Mapping[str, int]) -> None:
        """What the notes are in a window, at `position`. Where they differ from ours, all windows get them anew."""
        self._hand_on(Compare(connection, position, digests))

    def show(self, connection: str, what: Passing) -> None:
        """What a window says in passing. Nothing waits for it, and from whom it may not come it is dropped."""
        room = self._connections.get(connection)
        if room is None:
            return
        if isinstance(what, Way):
            self._hand_on(Mine(connection, what))
        else:
            room.show(connection, what)

    def _hand_on(self, message: Submit | CatchUp | Compare | Mine) -> None:
        room = self._connections.get(message.connection)
        if room is None:
            return
        if room.pending(message.connection) >= PENDING_PER_CONNECTION:
            self._audience.close(message.connection, "too_fast")
            return
        room.put(message)

    def detach(self, connection: str) -> None:
        """A connection is gone, whatever the reason. Calling it twice is harmless."""
        room = self._connections.pop(connection, None)
        if room is not None:
            room.put(Detach(connection))

    # --- what pages and the sweep call ---

    async def ask(self, room: str, actor: Actor, command: Command) -> tuple[Event, ...] | Already | Refusal:
        """Carry out a command that does not come from a window.

        Raises:
            StoreUnavailable: nothing is known to have happened.
        """
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._open(room).put(Ask(actor, command, answer))
        outcome = await answer
        if isinstance(outcome, Again):
            raise StoreUnavailable(outcome.code)
        assert not isinstance(outcome, FromClock), "only windows write"
        return outcome

    async def look(self, room: str) -> Room | None:
        """The room as it is now; None when there is no such room (any more). Raises `StoreUnavailable`."""
        answer: asyncio.Future[Room | None] = asyncio.get_running_loop().create_future()
        self._open(room).put(Look(answer))
        return await answer

    async def read(self, room: str) -> Reading | None:
        """The room as it is now, and the words of its notes; None when there is none. Raises `StoreUnavailable`."""
        answer: asyncio.Future[Reading | None] = asyncio.get_running_loop().create_future()
        self._open(room).put(Read(answer))
        return await answer

    def here(self, room: str) -> frozenset[str]:
        """Who is connected to a room, as far as this process knows."""
        return frozenset(each.id for each in self.people(room))

    def people(self, room: str) -> tuple[Here, ...]:
        """The same, and how they are here."""
        known = self._rooms.get(room)
        return known.people() if known is not None else ()

    def idle_for(self, room: str) -> float:
        """Seconds since somebody was last connected to `room` (since the start, if nobody was)."""
        if self.here(room):
            return 0.0
        return self._clock.monotonic() - self._last_use.get(room, self._started_at)

    def destroyed(self, room: str, session: str) -> None:
        """A session of `room` is not in the store any more: what this process still holds of it goes too, and whoever
        is still connected is told that it has ended."""
        known = self._rooms.get(room)
        if known is not None:
            known.put(Destroyed(session))

    def remember_only(self, rooms: Collection[str]) -> None:
        """These are all the rooms with a session: about the others nobody will ask how long they have been idle."""
        self._last_use = {room: at for room, at in self._last_use.items() if room in rooms}

    def reload(self) -> None:
        """The store has been replaced under us (a restore): every open room is read anew and sent whole."""
        for room in self._rooms.values():
            room.put(Reload())

    # --- keeping rooms open ---

    def _open(self, name: str) -> OpenRoom:
        room = self._rooms.get(name)
        if room is None:
            room = self._rooms[name] = OpenRoom(name, self._shell)
            self._bus.listen(name)
            self._spawn(room.run(), f"room {name}")
        return room

    def _closed(self, name: str) -> None:
        del self._rooms[name]
        self._bus.unlisten(name)

    def _used(self, name: str) -> None:
        self._last_use[name] = self._clock.monotonic()

    def _forget(self, connection: str) -> None:
        self._connections.pop(connection, None)

    def _spawn(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hear_bus(self) -> None:
        async for message in self._bus.messages():
            if isinstance(message, Rejoined):
                await self._ask_heads()
                continue
            room = self._rooms.get(message.room)
            if room is None:
                continue
            if isinstance(message, InPassing):
                room.heard_in_passing(message)
            else:
                room.put(Head(message.position) if isinstance(message, Doorbell) else message)

    async def _poll_heads(self) -> None:
        while True:
            await self._clock.sleep(HEAD_POLL)
            await self._ask_heads()
            for room in list(self._rooms.values()):
                room.put(Tick())

    async def _ask_heads(self) -> None:
        asked = list(self._rooms)
        if not asked:
            return
        try:
            async with asyncio.timeout(STORE_PATIENCE):
                heads = await self._store.heads(asked)
        except (StoreUnavailable, TimeoutError):
            return  # Asked again in a second; until then nothing is claimed to be newer than it is.
        except Exception as error:
            # A fault of ours must not be the last question that was asked.
            log.error("heads_fault", error=type(error).__name__)
            return
        for name in asked:
            room = self._rooms.get(name)
            if room is not None:
                room.put(Head(heads.get(name)))
