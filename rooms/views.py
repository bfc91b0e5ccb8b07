"""What each person may see of a room and of an event: the last pure step before the wire.

The client folds `seen` events into its view with the same result as asking for a new view ([VW2]); `tests/golden/`
holds examples that Python and the browser's code both have to reproduce.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rooms.events import (
    DeviceRemoved,
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
from rooms.notes import Passage
from rooms.room import Position, Recorded, Room, Suggestion

SEES_THE_SESSION = frozenset({Role.SERVICE_USER, Role.WORKER})
"""A supervisor sees nothing unless it was agreed to, and nothing can be agreed to yet: [VW3]."""


class Person(msgspec.Struct, frozen=True):
    id: str
    name: str
    role: Role
    left: bool

    def __repr__(self) -> str:
        return f"Person({self.id}, {self.role}, left={self.left})"


class View(msgspec.Struct, frozen=True):
    """The whole of what one participant may see. `page` is None before a session has begun."""

    position: Position
    you: str
    practice: bool
    pages: tuple[str, ...]
    home: str
    page: str | None
    turned_by: str
    ended: bool
    people: tuple[Person, ...]
    passages: tuple[Passage, ...]
    suggestions: tuple[Suggestion, ...]
    reading: tuple[str, ...]

    def __repr__(self) -> str:
        return f"View({self.position}, you={self.you}, page={self.page})"


class PageSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="page_turned"):
    page: str
    by: str


class PersonSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="participant_joined"):
    person: Person

    def __repr__(self) -> str:
        return f"PersonSeen({self.person.id})"


class PersonGone(msgspec.Struct, frozen=True, tag_field="kind", tag="participant_left"):
    participant: str


class NotesSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="notes_written"):
    by: str
    box: str
    update: bytes
    put_aside: tuple[Passage, ...]
    gone: tuple[str, ...]

    def __repr__(self) -> str:
        return f"NotesSeen({self.by}, {self.box}, {len(self.update)} bytes)"


class PassageGone(msgspec.Struct, frozen=True, tag_field="kind", tag="removed_for_good"):
    passage: str
    by: str


class SuggestionSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="page_suggested"):
    page: str
    by: str


class SuggestionGone(msgspec.Struct, frozen=True, tag_field="kind", tag="suggestion_dismissed"):
    page: str
    by: str


class ReadingSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="reading_agreed"):
    by: str


class ReadingGone(msgspec.Struct, frozen=True, tag_field="kind", tag="reading_stopped"):
    by: str


class EndSeen(msgspec.Struct, frozen=True, tag_field="kind", tag="session_ended"):
    by: str


class Unseen(msgspec.Struct, frozen=True, tag_field="kind", tag="unseen"):
    """Something that this person's view does not show. Sent all the same, so that numbers stay without a gap."""


Seen: TypeAlias = (
    PageSeen
    | PersonSeen
    | PersonGone
    | NotesSeen
    | PassageGone
    | SuggestionSeen
    | SuggestionGone
    | ReadingSeen
    | ReadingGone
    | EndSeen
    | Unseen
)


def may_see(room: Room, participant: str) -> bool:
    """Whether anything of the session goes to this participant: known, not left, in a role that sees it ([VW1])."""
    person = room.participants.get(participant)
    return person is not None and not person.left and person.role in SEES_THE_SESSION


def why_not(room: Room, participant: str, device: str) -> str | None:
    """Why nothing of the session goes to this device of this participant, as a code of `wire.GOODBYES`; None when
    something does ([VW1]). Who was put out or has left stays so when the session ends; who is not known was in an
    earlier session of the room."""
    session, person = room.session, room.participants.get(participant)
    if session is None or person is None:
        return "session_ended"
    if person.removed or device in session.removed_devices:
        return "removed"  # [PT9] [PT11]
    if not may_see(room, participant):
        return "left"
    return "session_ended" if session.ended else None


def view_of(room: Room, participant: str) -> View | None:
    """What `participant` may see now; None when that is nothing ([VW1])."""
    session = room.session
    if session is None or not may_see(room, participant):
        return None
    return View(
        position=room.position,
        you=participant,
        practice=session.practice,
        pages=session.pages,
        home=session.home,
        page=session.page,
        turned_by=session.turned_by,
        ended=session.ended,
        people=tuple(Person(each.id, each.name, each.role, each.left) for each in room.participants.values()),
        passages=session.notes.passages,
        suggestions=session.suggestions,
        reading=session.reading,
    )


def seen(recorded: Recorded) -> Seen:
    """What those who see the session are told of an event."""
    match recorded.event:
        case PageTurned(page=page, by=by):
            return PageSeen(page, by)
        case ParticipantJoined(participant=participant, role=role, name=name):
            return PersonSeen(Person(participant, name, role, left=False))
        case ParticipantLeft(participant=participant) | ParticipantRemoved(participant=participant):
            return PersonGone(participant)
        case NotesWritten(by=by, box=box, update=update, put_aside=put_aside, gone=gone):
            return NotesSeen(by, box, update, put_aside, gone)
        case RemovedForGood(passage=passage, by=by):
            return PassageGone(passage, by)
        case PageSuggested(page=page, by=by):
            return SuggestionSeen(page, by)
        case SuggestionDismissed(page=page, by=by):
            return SuggestionGone(page, by)
        case ReadingAgreed(by=by):
            return ReadingSeen(by)
        case ReadingStopped(by=by):
            return ReadingGone(by)
        case SessionEnded(by=by):
            return EndSeen(by)
        case SessionOpened() | DeviceRemoved():
            return Unseen()
