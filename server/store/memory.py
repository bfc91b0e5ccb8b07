"""The store in memory: for the simulated world, and for tests. It keeps its promises, and can be told to be difficult.

One `Shelf` holds what is kept; each process of a world has its own `MemoryStore` on it, with its own troubles.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from rooms import Position, Recorded, Room, replay
from rooms.events import SessionEnded
from server.ports import Appended, Conflict, Diverged, Missed, NewId, NewRoom, OpenSessionRow
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

    row: OpenSessionRow
    head: Position
    log: tuple[Recorded, ...] = ()
    snapshot: Room | None = None

    def since(self, position: Position) -> Missed | Diverged | None:
        return since(position, self.head, self.snapshot.position if self.snapshot else None, self.log)


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
        self._rooms = {room: msgspec.structs.replace(kept) for room, kept in older._rooms.items()}

    def log(self, room: str) -> Sequence[Recorded]:
        """The events of a room that have not been trimmed, oldest first."""
        return self._rooms[room].log


class MemoryStore:
    """`Store` for one process of a world."""

    def __init__(self, new_id: NewId, shelf: Shelf | None = None, pace: Pace = _at_once) -> None:
        self.shelf = shelf or Shelf()
        self.pace = pace
        self._new_id = new_id

    async def create(self, new: NewRoom) -> Position:
        await self.pace("before_commit")
        if new.room in self._rooms or any(kept.row.session == new.session for kept in self._rooms.values()):
            raise Conflict(f"there is a room {new.room} or a session {new.session} already")
        row = OpenSessionRow(new.room, new.session, new.practice, new.account, opened_at=new.at, ended_at=None)
        head = Position(self._new_id(), 0, "")
        self._rooms[new.room] = _Kept(row, head)
        await self.pace("after_commit")
        return head

    async def append(self, room: str, after: Position, events: Sequence[Recorded]) -> Appended | Missed | Diverged:
        must_follow(after, events)
        await self.pace("before_commit")
        outcome = self._compare_and_append(room, after, tuple(events))
        await self.pace("after_commit")
        return outcome

    def _compare_and_append(
        self, room: str, after: Position, events: tuple[Recorded, ...]
    ) -> Appended | Missed | Diverged:
        kept = self._rooms.get(room)
        if kept is None:
            return Diverged()
        if kept.head != after:
            return kept.since(after) or Diverged()
        kept.log += events
        kept.head = Position(after.epoch, events[-1].seq, events[-1].tail)
        for recorded in events:
            if isinstance(recorded.event, SessionEnded):
                kept.row = msgspec.structs.replace(kept.row, ended_at=recorded.event.at)
        return Appended()

    async def load(self, room: str) -> Room | None:
        await self.pace("read")
        kept = self._rooms.get(room)
        if kept is None:
            return None
        start = _copied(kept.snapshot) if kept.snapshot else Room(room, kept.head.epoch)
        return replay(start, (recorded for recorded in kept.log if recorded.seq > start.seq))

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        await self.pace("read")
        kept = self._rooms.get(room)
        return Diverged() if kept is None else kept.since(position)

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        await self.pace("read")
        return {room: self._rooms[room].head for room in rooms if room in self._rooms}

    async def snapshot(self, room: Room, trim_to: int) -> None:
        await self.pace("before_commit")
        kept = self._rooms.get(room.id)
        if kept is not None and not isinstance(kept.since(room.position), Diverged):
            if kept.snapshot is None or kept.snapshot.seq < room.seq:
                kept.snapshot = _copied(room)
            trim_to = min(trim_to, kept.snapshot.seq)
            kept.log = tuple(recorded for recorded in kept.log if recorded.seq > trim_to)
        await self.pace("after_commit")

    async def sessions(self) -> Sequence[OpenSessionRow]:
        await self.pace("read")
        return [kept.row for kept in self._rooms.values()]

    async def destroy(self, room: str) -> None:
        await self.pace("before_commit")
        self._rooms.pop(room, None)
        await self.pace("after_commit")

    @property
    def _rooms(self) -> dict[str, _Kept]:
        return self.shelf._rooms


def _copied(room: Room) -> Room:
    return msgspec.structs.replace(room, participants=dict(room.participants), windows=dict(room.windows))
