"""A room as a value, and how an event changes it.

`evolve` is total: it never refuses. Whether something may happen is `decide`'s business; once it has happened, every
process that holds a copy of the room applies it in the same way and arrives at the same value.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from rooms.events import (
    DeviceRemoved,
    Event,
    NotesWritten,
    PageSuggested,
    PageTurned,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRemoved,
    ReadingAgreed,
    ReadingStopped,
    RemovedForGood,
    Role,
    SessionEnded,
    SessionOpened,
    SuggestionDismissed,
)
from rooms.limits import SKIPPED_REMEMBERED, WINDOWS_PER_PARTICIPANT
from rooms.notes import Carried, Notes, Writer, with_writer


class Position(msgspec.Struct, frozen=True, array_like=True, order=True):
    """Where a copy of a room stands: `[OR1]`.

    `epoch` changes when an operator restores a backup; `seq` counts events from 1; `tail` is the random id of the event
    at `seq`, so that a database file copied back by hand is noticed even when the numbers happen to agree.
    """

    epoch: str
    seq: int
    tail: str


class Stamp(msgspec.Struct, frozen=True):
    """Which command of which window: the name under which a command is sent again, and answered."""

    window: str
    number: int


class Recorded(msgspec.Struct, frozen=True):
    """An event with its place in the room's one order, and the stamp of the command it answers (if any)."""

    seq: int
    tail: str
    event: Event
    stamp: Stamp | None = None

    def __repr__(self) -> str:
        return f"Recorded({self.seq}, {self.event!r})"


class Participant(msgspec.Struct, frozen=True):
    id: str
    role: Role
    name: str
    left: bool = False
    removed: bool = False

    def __repr__(self) -> str:
        return f"Participant({self.id}, {self.role}, left={self.left})"


class Window(msgspec.Struct, frozen=True):
    """How far a window's commands have come. `skipped` are numbers below `last` of which nothing came ([WN4])."""

    participant: str
    last: int
    skipped: tuple[int, ...] = ()


class Suggestion(msgspec.Struct, frozen=True):
    page: str
    by: str


class Session(msgspec.Struct, frozen=True):
    """`opened`: the pages that were opened, each once, in the order they were first opened; home is not among them.
    `suggestions`: pages that may be opened next, each once, the oldest first ([SG2]). `reading`: who wants to read at
    one place with the others, in the order they said so ([RT1])."""

    id: str
    practice: bool
    pack: str
    pages: tuple[str, ...]
    home: str
    page: str
    turned_by: str = ""
    ended: bool = False
    opened: tuple[str, ...] = ()
    removed_devices: tuple[str, ...] = ()
    notes: Notes = Notes()
    reading: tuple[str, ...] = ()
    suggestions: tuple[Suggestion, ...] = ()


class Room(msgspec.Struct, frozen=True):
    """Everything the rules need to know. Values only: changing one means making another."""

    id: str
    epoch: str
    seq: int = 0
    tail: str = ""
    session: Session | None = None
    participants: dict[str, Participant] = {}
    windows: dict[str, Window] = {}

    @property
    def position(self) -> Position:
        return Position(self.epoch, self.seq, self.tail)

    def __repr__(self) -> str:
        return f"Room({self.id}, seq={self.seq}, {len(self.participants)} participants)"


class Gap(Exception):
    """An event does not follow the room's position. The caller must load the room anew: [OR3]."""


def evolve(room: Room, recorded: Recorded) -> Room:
    """The room after one more event.

    Raises:
        Gap: the event's number is not the next one.
    """
    if recorded.seq != room.seq + 1:
        raise Gap(f"room {room.id} is at {room.seq}, event is {recorded.seq}")
    changed = _apply(room, recorded)
    windows = room.windows
    if recorded.stamp is not None:
        windows = _counted(room.windows, recorded.stamp, _author(recorded.event))
    return msgspec.structs.replace(changed, seq=recorded.seq, tail=recorded.tail, windows=windows)


def replay(room: Room, events: Iterable[Recorded]) -> Room:
    """Fold events into a room, oldest first. Raises `Gap` as `evolve` does."""
    for recorded in events:
        room = evolve(room, recorded)
    return room


def _apply(room: Room, recorded: Recorded) -> Room:
    event = recorded.event
    match event:
        case SessionOpened():
            session = Session(event.session, event.practice, event.pack, event.pages, event.home, page=event.home)
            return msgspec.structs.replace(room, session=session, participants={}, windows={})
        case ParticipantJoined():
            joined = Participant(event.participant, event.role, event.name)
            return msgspec.structs.replace(room, participants={**room.participants, joined.id: joined})
        case PageTurned():
            assert room.session is not None
            opened = _with(room.session.opened, event.page) if event.page != room.session.home else room.session.opened
            session = msgspec.structs.replace(room.session, page=event.page, turned_by=event.by, opened=opened)
            session = _without_suggestion(session, event.page)
            return msgspec.structs.replace(room, session=session)
        case ParticipantLeft():
            return _without(room, msgspec.structs.replace(room.participants[event.participant], left=True))
        case ParticipantRemoved():
            removed = msgspec.structs.replace(room.participants[event.participant], left=True, removed=True)
            return _without(room, removed)
        case DeviceRemoved():
            assert room.session is not None
            devices = _with(room.session.removed_devices, event.device)
            return msgspec.structs.replace(room, session=msgspec.structs.replace(room.session, removed_devices=devices))
        case NotesWritten():
            assert room.session is not None
            window = recorded.stamp.window if recorded.stamp is not None and not event.taken_over else ""
            return _with_notes(room, room.session, _written(room.session.notes, event, window))
        case RemovedForGood():
            assert room.session is not None
            notes = room.session.notes
            passages = tuple(each for each in notes.passages if each.id != event.passage)
            return _with_notes(room, room.session, msgspec.structs.replace(notes, passages=passages))
        case PageSuggested():
            assert room.session is not None
            suggestions = (*room.session.suggestions, Suggestion(event.page, event.by))
            return msgspec.structs.replace(room, session=msgspec.structs.replace(room.session, suggestions=suggestions))
        case SuggestionDismissed():
            assert room.session is not None
            return msgspec.structs.replace(room, session=_without_suggestion(room.session, event.page))
        case ReadingAgreed():
            assert room.session is not None
            return _read_by(room, room.session, _with(room.session.reading, event.by))
        case ReadingStopped():
            assert room.session is not None
            return _read_by(room, room.session, ())
        case SessionEnded():
            assert room.session is not None
            # What was deleted from the notes does not outlast the session ([NT7]).
            notes = msgspec.structs.replace(room.session.notes, passages=())
            session = msgspec.structs.replace(room.session, ended=True, notes=notes)
            return msgspec.structs.replace(room, session=session)


def _without(room: Room, gone: Participant) -> Room:
    """Somebody is not in the session any more. Nobody goes on reading with them ([RT3])."""
    room = msgspec.structs.replace(room, participants={**room.participants, gone.id: gone})
    assert room.session is not None
    return _read_by(room, room.session, ()) if gone.id in room.session.reading else room


def _without_suggestion(session: Session, page: str) -> Session:
    """What is open, or was dismissed, is no suggestion any more ([SG2], [SG3])."""
    left = tuple(each for each in session.suggestions if each.page != page)
    return session if left == session.suggestions else msgspec.structs.replace(session, suggestions=left)


def _read_by(room: Room, session: Session, reading: tuple[str, ...]) -> Room:
    return msgspec.structs.replace(room, session=msgspec.structs.replace(session, reading=reading))


def _with_notes(room: Room, session: Session, notes: Notes) -> Room:
    return msgspec.structs.replace(room, session=msgspec.structs.replace(session, notes=notes))


def _written(notes: Notes, event: NotesWritten, window: str) -> Notes:
    written, carried = event.written, notes.carried
    if written.length:
        notes = with_writer(notes, written.client, Writer(event.by, window, written.end))
        if event.carried:
            carried = (*carried, Carried(written, event.carried))
    passages = tuple(each for each in (*notes.passages, *event.put_aside) if each.id not in event.gone)
    return msgspec.structs.replace(notes, units=notes.units + written.length, passages=passages, carried=carried)


def _with(known: tuple[str, ...], more: str) -> tuple[str, ...]:
    return known if more in known else (*known, more)


def _author(event: Event) -> str:
    """Whose window a stamped event came from. Only what a window may send is ever stamped."""
    match event:
        case (
            PageTurned(by=author)
            | SessionEnded(by=author)
            | ParticipantRemoved(by=author)
            | NotesWritten(by=author)
            | RemovedForGood(by=author)
            | PageSuggested(by=author)
            | SuggestionDismissed(by=author)
            | ReadingAgreed(by=author)
            | ReadingStopped(by=author)
        ):
            return author
        case ParticipantLeft(participant=author):
            return author
        case _:
            return ""


def _counted(windows: dict[str, Window], stamp: Stamp, participant: str) -> dict[str, Window]:
    """Note that `stamp` has been carried out, and that the numbers it jumped over came to nothing ([WN4])."""
    before = windows.get(stamp.window, Window(participant, 0))
    jumped = range(max(before.last + 1, stamp.number - SKIPPED_REMEMBERED), stamp.number)
    skipped = (*before.skipped, *jumped)[-SKIPPED_REMEMBERED:]
    # Moved to the end, so that the first one of a participant is the one unused for longest.
    others = {key: window for key, window in windows.items() if key != stamp.window}
    mine = [key for key, window in others.items() if window.participant == participant]
    for forgotten in mine[: max(0, len(mine) - WINDOWS_PER_PARTICIPANT + 1)]:
        del others[forgotten]
    return {**others, stamp.window: Window(participant, stamp.number, skipped)}
