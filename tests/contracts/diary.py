"""Rooms and events for the stores' tests: Ada and Ben turn pages, and somebody keeps count of what must be there."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from rooms import Event, Position, Recorded, Role, Room, Stamp, replay
from rooms.events import NotesWritten, PageTurned, ParticipantJoined, SessionEnded, SessionOpened
from rooms.updates import Range
from server.ports import Appended, Kept, NewSession, Store

PAGES = ("home", "hard-days", "small-things", "people")
NOON = 1_750_000_000_000

_numbers = itertools.count(1)


def new_id() -> str:
    """Ids that are easy to read in a failing test, and that no two rooms share."""
    return f"id-{next(_numbers)}"


def begun(session: str, ada: str = "Ada", ben: str = "Ben") -> list[Event]:
    """A session opens, Ada and Ben come in."""
    return [
        SessionOpened(session, practice=False, pack="starter", pages=PAGES, home="home", at=NOON),
        ParticipantJoined("ada", Role.WORKER, ada, NOON + 1),
        ParticipantJoined("ben", Role.SERVICE_USER, ben, NOON + 2),
    ]


def turned(page: str, by: str = "ada") -> Event:
    return PageTurned(page, by)


def written(update: bytes, by: str = "ben") -> Event:
    """Something in the notes. A store does not look at what it is."""
    return NotesWritten(by, "looked", Range(7, 0, 1), update)


def ended(at: int = NOON + 9) -> Event:
    return SessionEnded("ada", at)


def following(after: Position, events: Sequence[Event], stamp: Stamp | None = None) -> list[Recorded]:
    """The events with the next numbers, and with tails of their own."""
    return [Recorded(after.seq + step, new_id(), event, stamp) for step, event in enumerate(events, start=1)]


def room_of(kept: Kept | None) -> Room | None:
    """The room of what a store has; None where it has nothing."""
    return None if kept is None else kept.room


class Diary:
    """One room in a store, and what has been written into it as far as we know."""

    def __init__(self, store: Store, room: str, epoch: str) -> None:
        self.store = store
        self.room = room
        self.session = ""
        self.epoch = epoch
        self.log: list[Recorded] = []

    @classmethod
    async def new(cls, store: Store, ada: str = "Ada", ben: str = "Ben") -> Diary:
        """A room in which Ada and Ben are: it stands at 3."""
        room = f"room-{new_id()}"
        start = await store.create(room, NOON)
        diary = cls(store, room, start.epoch)
        await diary.meet(ada, ben)
        return diary

    async def next_session(self) -> str:
        """The session that is going on ends, as a server ends it: of its log nothing is left. Another one is opened.

        Gives the id of the one that ended.
        """
        over = self.session
        await self.write(ended())
        await self.store.snapshot(self.expected, trim_to=len(self.log), words=b"")
        await self.meet()
        return over

    async def meet(self, ada: str = "Ada", ben: str = "Ben") -> None:
        """A session opens in the room, the first or the next one, and both come in."""
        self.session = f"session-{new_id()}"
        await self.store.prepare(NewSession(self.room, self.session, practice=False, account="account-1", made_at=NOON))
        await self.write(*begun(self.session, ada, ben))

    @property
    def head(self) -> Position:
        return self.at(len(self.log))

    def at(self, seq: int) -> Position:
        """Where the room stood when it had `seq` events."""
        return Position(self.epoch, seq, self.log[seq - 1].tail if seq else "")

    @property
    def expected(self) -> Room:
        return replay(Room(self.room, self.epoch), self.log)

    async def write(self, *events: Event, stamp: Stamp | None = None) -> None:
        recorded = following(self.head, events, stamp)
        assert await self.store.append(self.room, self.session, self.head, recorded) == Appended()
        self.log += recorded

    def until(self, seq: int) -> Room:
        """The room as it was when it stood there."""
        return replay(Room(self.room, self.epoch), self.log[:seq])

    async def is_as_expected(self) -> bool:
        """Whether the store has exactly what was written, in order."""
        missed = await self.store.after(self.room, self.at(0))
        whole = room_of(await self.store.load(self.room))
        heads = await self.store.heads([self.room])
        return (
            tuple(getattr(missed, "events", ())) == tuple(self.log)
            and whole == self.expected
            and heads == {self.room: self.head}
        )
