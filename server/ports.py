"""What the hub and the pages need of the world, as promises. Each sentence in a docstring here is a test that every
adapter runs (`tests/contracts/`).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeAlias

import msgspec

from rooms import Document, Position, Recorded, Room
from rooms.presence import Here

# --- Store -----------------------------------------------------------------------------------------------------------


class StoreUnavailable(Exception):
    """The store did not answer. Whether a write happened is unknown: catch up before deciding anything again."""


class Appended(msgspec.Struct, frozen=True):
    """The events are on disk."""


class Missed(msgspec.Struct, frozen=True):
    """The room has moved on: `events` are exactly those after the position that was named, oldest first, at least
    one."""

    events: tuple[Recorded, ...]


class Diverged(msgspec.Struct, frozen=True):
    """The position that was named is not in this room's past (another epoch, another tail, ahead, or trimmed away), or
    the room is not there any more. Load it anew."""


class NewSession(msgspec.Struct, frozen=True):
    """A session about to be made in a room, before it is opened.

    `practice`: nothing of it is kept. `account`: the worker who made it, or None for practice. `planned_at`: for when,
    or None for now. Times are milliseconds since 1970, UTC.
    """

    room: str
    session: str
    practice: bool
    account: str | None
    made_at: int
    planned_at: int | None = None


class Kept(msgspec.Struct, frozen=True):
    """A room as the store has it. The words of its notes are `words`, as a snapshot had them, and after them
    `updates`, in order."""

    room: Room
    words: bytes = b""
    updates: tuple[bytes, ...] = ()

    def document(self) -> Document:
        """The words. Raises `Unfit` if they are none that the rules ever let in."""
        document = Document(self.words)
        for update in self.updates:
            document.keep(update)
        return document


class SessionRow(msgspec.Struct, frozen=True):
    """A session as lists and the sweep see it: ids and times only."""

    room: str
    session: str
    practice: bool
    account: str | None
    made_at: int
    planned_at: int | None = None
    opened_at: int | None = None
    ended_at: int | None = None

    @property
    def open(self) -> bool:
        return self.opened_at is not None and self.ended_at is None


class Store(Protocol):
    """The rooms' one order, through one session after the other.

    An append is atomic and durable: when it returns `Appended`, the events survive the death of every process and,
    where the disk honours flushes, a power cut. It succeeds only if it names the room's current position. Whatever it
    returns, the room's log has no hole and no repetition. A caller that is cancelled while waiting does not undo or
    tear anything. Every content that is written down is sealed under the key of its session.
    """

    async def create(self, room: str, at: int) -> Position:
        """Make an empty room (seq 0, an empty tail) under a new epoch. `at`: milliseconds since 1970, UTC.

        Raises:
            Conflict: there is such a room already; nothing was made.
        """

    async def prepare(self, new: NewSession) -> None:
        """Make a session's row and its key. The room stays as it is until a `SessionOpened` is appended.

        Raises:
            Conflict: there is no such room, or such a session already; nothing was made.
        """

    async def append(
        self, room: str, session: str, after: Position, events: Sequence[Recorded]
    ) -> Appended | Missed | Diverged:
        """Add events of `session`, numbered from `after.seq + 1`, if the room stands at `after` and the session is one
        of the room's that has not ended; `Diverged` if it is not. A `SessionOpened` (as the first of them) or
        `SessionEnded` among them also marks the session's row, in the same transaction."""

    async def load(self, room: str) -> Kept | None:
        """The room as the snapshot and events of the session that was opened last make it; without a session if that
        has been destroyed. None if the room does not exist (any more)."""

    async def after(self, room: str, position: Position) -> Missed | Diverged | None:
        """What came after `position`: None for nothing, `Diverged` where that cannot be told exactly."""

    async def heads(self, rooms: Iterable[str]) -> Mapping[str, Position]:
        """Where these rooms stand now. A room that does not exist is left out."""

    async def snapshot(self, room: Room, trim_to: int, words: bytes) -> None:
        """Keep `room`, and the words of its notes, as the snapshot of its session at its position unless a newer one is
        there, and drop that session's events up to `trim_to`, never beyond the snapshot. If the position is not in the
        room's past (any more), nothing happens."""

    async def closed(self, session: str) -> Kept | None:
        """The room as it was when a session ended in it, also when another one has been opened since; None when the
        session has not ended or has been destroyed."""

    async def session(self, session: str) -> SessionRow | None:
        """One session; None when there is none (any more)."""

    async def call_off(self, session: str, at: int) -> None:
        """Mark a session that was never opened as ended at `at` (milliseconds since 1970, UTC), so that it cannot be
        opened any more. Nothing happens to one that was opened or has ended."""

    async def sessions(self, room: str | None = None) -> Sequence[SessionRow]:
        """All sessions (of one room, if it is named) that have not been destroyed, in the order they were made."""

    async def destroy(self, session: str, at: int) -> None:
        """Delete the session's key and everything of it (events, snapshot, tickets, row), and the room with its last
        session if it has no label. Afterwards neither the rows nor the key are anywhere in what the store keeps. A
        backup made earlier still holds both: from there they go when the backup is deleted. Its invitations stay as
        ones that are over since `at` (milliseconds since 1970, UTC), without their text. Doing it twice is harmless."""


# --- Small tables (accounts, tickets, invitations) --------------------------------------------------------------------

Value: TypeAlias = str | int | bytes | None
Row: TypeAlias = Mapping[str, Value]


class Statement(msgspec.Struct, frozen=True):
    """One SQL text with `$1`, `$2`… and its values. `rows`: how many rows it must touch; None for any number."""

    sql: str
    values: tuple[Value, ...] = ()
    rows: int | None = None


class Conflict(Exception):
    """A statement touched another number of rows than it had to, or a key is taken. Nothing of it happened."""


class Database(Protocol):
    """SQL that SQLite and PostgreSQL both understand."""

    async def read(self, sql: str, *values: Value) -> Sequence[Row]:
        """Rows of a SELECT, as committed before the call."""

    async def write(self, *statements: Statement) -> Sequence[Sequence[Row]]:
        """Run all statements in one durable transaction and give the rows of each (`RETURNING`).

        Raises:
            Conflict: a statement did not touch the `rows` it had to, or a key is taken; nothing was written.
        """

    async def erase(self, *statements: Statement) -> None:
        """Like `write`, for deleting: what was there does not stay behind in files the database keeps for itself."""


# --- Bus --------------------------------------------------------------------------------------------------------------


class Doorbell(msgspec.Struct, frozen=True, tag="doorbell"):
    """Room `room` has come to `position`. Look in the store."""

    room: str
    position: Position


class HereOn(msgspec.Struct, frozen=True, tag="here"):
    """Who is connected to `node` in `room`. `number` grows with every announcement of a node."""

    room: str
    node: str
    number: int
    people: tuple[Here, ...]


class InPassing(msgspec.Struct, frozen=True, tag="passing"):
    """What the participant `by` shows in passing: a packet for whoever sees the session of `room`, or for `to` alone if
    that is somebody. A newer one with the same `key` makes it worthless. `order`: of a reading place, else 0."""

    room: str
    by: str
    to: str
    key: str
    packet: str
    order: int = 0


class Rejoined(msgspec.Struct, frozen=True, tag="rejoined"):
    """The connection to the bus was lost and is back: anything may have been missed."""


Telling: TypeAlias = Doorbell | HereOn | InPassing
"""What a process tells the others."""
BusMessage: TypeAlias = Telling | Rejoined


class Bus(Protocol):
    """Tells the other processes that something happened.

    May lose, repeat, delay and reorder messages; never invents one, never gives a room's message to a process that does
    not listen to that room, and never gives a process its own messages back. After a break it says `Rejoined`.
    `publish` returns at once and never raises: a bus that is down costs time, never truth.
    """

    def publish(self, message: Telling) -> None: ...

    def listen(self, room: str) -> None:
        """Hear about `room` from now on."""

    def unlisten(self, room: str) -> None: ...

    def messages(self) -> AsyncIterator[BusMessage]:
        """What comes in, for as long as the process lives. Called once."""


# --- Audience ---------------------------------------------------------------------------------------------------------


class Audience(Protocol):
    """The sockets, as the hub sees them. Connections are named by opaque ids; one that is gone is silently ignored.

    To each connection packets go in the order of the calls. Nothing here waits: a connection that cannot keep up is
    closed rather than allowed to hold anybody else up.
    """

    def tell(self, connections: Iterable[str], packet: str) -> None:
        """Send one packet (text from `rooms.wire`), the same bytes to all."""

    def show(self, connections: Iterable[str], key: str, packet: str) -> None:
        """Send one packet in passing: a connection that is behind gets only the newest of each `key`, or none. It never
        waits for, delays or ends anything else."""

    def close(self, connection: str, code: str) -> None:
        """Say goodbye with `code` (`wire.GOODBYES`), then close."""


# --- Time and chance --------------------------------------------------------------------------------------------------


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that never go back: for limits and waiting."""

    def wall(self) -> int:
        """Milliseconds since 1970, UTC: for what a person will read."""

    async def sleep(self, seconds: float) -> None: ...


NewId: TypeAlias = Callable[[], str]
"""128 random bits or more, as letters that fit into an address (`A-Z a-z 0-9 - _`)."""
