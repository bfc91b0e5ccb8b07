"""The store in memory: for the simulated world, and for tests. It keeps its promises, and can be told to be difficult.

One `Shelf` holds what is kept; each process of a world has its own `MemoryStore` on it, with its own troubles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from rooms import Position, Recorded, Room, replay
from rooms.events import NotesWritten, SessionEnded, SessionOpened
from server.ports import Appended, Conflict, Diverged, Kept, Missed, NewId, NewSession, SessionRow
from server.store.past import must_follow, since

Pace: TypeAlias = Callable[[str], Awaitable[None]]
"""Called at named points: `"before_commit"`, `"after_commit"` (of every call that writes) and `"read"`.

It may wait, to let others go first; and it may raise `StoreUnavailable`: before the commit nothing has been written,
after it everything has, and the caller cannot tell which.
"""


async def _at_once(point: str) -> None:
    """A store without troubles."""


class _Kept(msgspec.Struct):
    """One room. The values inside are frozen; rooms are copied on the way in and out."""

    head: Position
    ground: Position
    session: str | None = None
    rows: dict[str, SessionRow] = {}
    log: tuple[tuple[str, Recorded], ...] = ()
    """Events, oldest first, each with the session that it belongs to."""
    snapshots: dict[str, tuple[Room, bytes]] = {}
    """By session: the room, and the words of its notes."""

    def since(self, position: Position) -> Missed | Diverged | None:
        known = [self.ground, *(snapshot.position for snapshot, _ in self.snapshots.values())]
        return since(position, self.head, known, [recorded for _, recorded in self.log])

    def events_of(self, session: str, start: Room) -> list[Recorded]:
        return [recorded for whose, recorded in self.log if whose == session and recorded.seq > start.seq]


class Shelf:
    """What is on the disk, so to say: it outlives the processes that write to it."""

    def __init__(self) -> None:
        self._rooms: dict[str, _Kept] = {}

    def copy(self) -> Shelf:
        """As somebody would copy the database file. Give it to `put_back` later."""
        copy = Shelf()
        copy.put_back(self)
        return copy

    def put_back(self, older: Shelf) -> None:
        """Rewind to `older`, as when a file is copied back by hand: same epochs, and nobody is told."""
        self._rooms = {
            room: msgspec.structs.replace(kept, rows=dict(kept.rows), snapshots=dict(kept.snapshots))
            for room, kept in older._rooms.items()
        }

    def log(self, room: str) -> Sequence[Recorded]:
        """The events of a room that have not been trimmed, oldest first."""
        return [recorded for _, recorded in self._rooms[room].log]


class MemoryStore:
    """`Store` for one process of a world, in which no room has a label."""

    def __init__(self, new_id: NewId, shelf: Shelf | None = None, pace: Pace = _at_once) -> None:
        self.shelf = shelf or Shelf()
        self.pace = pace
        self._new_id = new_id

    async def create(self, room: str, at: int) -> Position:
        await self.pace("before_commit")
        if room in self._rooms:
            raise Conflict(f"there is a room {room} already")
        head = Position(self._new_id(), 0, "")
        self._rooms[room] = _Kept(head, ground=head)
        await self.pace("after_commit")
        return head

    async def prepare(self, new: NewSession) -> None:
        await self.pace("before_commit")
        if new.room not in self._rooms or self._room_of(new.session) is not None:
            raise Conflict(f"there is no room {new.room}, or a session {new.session} already")
        self._rooms[new.room].rows[new.session] = SessionRow(
            new.room, new.session, new.practice, new.account, new.made_at, new.planned_at
        )
        await self.pace("after_commit")

    async def append(
        self, room: str, session: str, after: Position, events: Sequence[Recorded]
    ) -> Appended | Missed | Diverged:
        must_follow(after, events)
        await self.pace("before_commit")
        outcome = self._compare_and_append(room, session, after, events)
        await self.pace("after_commit")
        return outcome

    def _compare_and_append(
        self, room: str, session: str, after: Position, events: Sequence[Recorded]
    ) -> Appended | Missed | Diverged:
        kept = self._rooms.get(room)
        if kept is None or session not in kept.rows or kept.rows[session].ended_at is not None:
            return Diverged()
        if kept.head != after:
            return kept.since(after) or Diverged()
        kept.log += tuple((session, recorded) for recorded in events)
        kept.head = Position(after.epoch, events[-1].seq, events[-1].tail)
        for recorded in events:
            if isinstance(recorded.event, SessionOpened):
                kept.session, kept.ground = session, after
                kept.rows[session] = msgspec.structs.replace(kept.rows[session], opened_at=recorded.event.at)
            if isinstance(recorded.event, SessionEnded):
                kept.rows[session] = msgspec.structs.replace(kept.rows[session], ended_at=recorded.event.at)
        return Appended()

    async def load(self, room: str) -> Kept | None:
        await self.pace("read")
        kept = self._rooms.get(room)
        if kept is None:
            return None
        session = kept.session or ""
        nothing = (Room(room, *msgspec.structs.astuple(kept.ground)), b"")
        start, words = kept.snapshots.get(session, nothing)
        events = kept.events_of(session, start)
        return Kept(replay(_copied(start), events), words, _written(events))

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        await self.pace("read")
        kept = self._rooms.get(room)
        return Diverged() if kept is None else kept.since(position)

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        await self.pace("read")
        return {room: self._rooms[room].head for room in rooms if room in self._rooms}

    async def snapshot(self, room: Room, trim_to: int, words: bytes) -> None:
        await self.pace("before_commit")
        kept = self._rooms.get(room.id)
        session = room.session.id if room.session else ""
        if kept is not None and session in kept.rows and not isinstance(kept.since(room.position), Diverged):
            before = kept.snapshots.get(session)
            if before is None or before[0].seq < room.seq:
                kept.snapshots[session] = (_copied(room), words)
            trim_to = min(trim_to, kept.snapshots[session][0].seq)
            kept.log = tuple(each for each in kept.log if each[0] != session or each[1].seq > trim_to)
        await self.pace("after_commit")

    async def closed(self, session: str) -> Kept | None:
        await self.pace("read")
        room = self._room_of(session)
        if room is None or self._rooms[room].rows[session].ended_at is None:
            return None
        kept = self._rooms[room]
        events = [recorded for whose, recorded in kept.log if whose == session]
        nothing = (Room(room, kept.head.epoch, events[0].seq - 1 if events else 0), b"")
        start, words = kept.snapshots.get(session, nothing)
        later = [recorded for recorded in events if recorded.seq > start.seq]
        return Kept(replay(_copied(start), later), words, _written(later))

    async def session(self, session: str) -> SessionRow | None:
        await self.pace("read")
        room = self._room_of(session)
        return None if room is None else self._rooms[room].rows[session]

    async def call_off(self, session: str, at: int) -> None:
        await self.pace("before_commit")
        room = self._room_of(session)
        if room is not None:
            rows = self._rooms[room].rows
            if rows[session].opened_at is None and rows[session].ended_at is None:
                rows[session] = msgspec.structs.replace(rows[session], ended_at=at)
        await self.pace("after_commit")

    async def sessions(self, room: str | None = None) -> Sequence[SessionRow]:
        await self.pace("read")
        rows = [row for kept in self._rooms.values() for row in kept.rows.values() if room in (None, row.room)]
        return sorted(rows, key=lambda row: (row.made_at, row.session))

    async def destroy(self, session: str, at: int) -> None:
        await self.pace("before_commit")
        room = self._room_of(session)
        if room is not None:
            kept = self._rooms[room]
            del kept.rows[session]
            kept.snapshots.pop(session, None)
            kept.log = tuple(each for each in kept.log if each[0] != session)
            if kept.session == session:
                kept.session, kept.ground = None, kept.head
            if not kept.rows:
                del self._rooms[room]
        await self.pace("after_commit")

    def _room_of(self, session: str) -> str | None:
        return next((room for room, kept in self._rooms.items() if session in kept.rows), None)

    @property
    def _rooms(self) -> dict[str, _Kept]:
        return self.shelf._rooms


def _copied(room: Room) -> Room:
    return msgspec.structs.replace(room, participants=dict(room.participants), windows=dict(room.windows))


def _written(events: Sequence[Recorded]) -> tuple[bytes, ...]:
    return tuple(recorded.event.update for recorded in events if isinstance(recorded.event, NotesWritten))
