"""What has happened in a room. An event is a fact: past tense, small, and enough to rebuild the room from.

Events carry no time of day, except where somebody came, a session began or ended (`SPEC.md`, [OR6]): a log with times
would be a record of how long a person looked at each page.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TypeAlias

import msgspec

from rooms.notes import Passage
from rooms.updates import Range


class Role(StrEnum):
    """Who somebody is in a room. `SERVER` is the house itself: it opens sessions and lets people in."""

    SERVICE_USER = "service_user"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    SERVER = "server"


PRIVATE = frozenset({"name", "pages", "update"})


def snake(name: str) -> str:
    """`PageTurned` → `page_turned`: the name of a command or event on the wire."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in name).lstrip("_")


class Discreet(msgspec.Struct, frozen=True):
    """Prints its kind and its ids, never a word that a person wrote: [LM3]. Nobody has to remember."""

    def __repr__(self) -> str:
        shown = [f"{name}={getattr(self, name)}" for name in self.__struct_fields__ if name not in PRIVATE]
        return f"{type(self).__name__}({', '.join(shown)})"


class Fact(Discreet, frozen=True, tag_field="kind", tag=snake):
    """Base of all events."""


class SessionOpened(Fact, frozen=True):
    """A session began. `pages` fixes what can be opened, so an edited pack cannot change the past."""

    session: str
    practice: bool
    pack: str
    pages: tuple[str, ...]
    home: str
    at: int  # milliseconds since 1970, UTC


class ParticipantJoined(Fact, frozen=True):
    participant: str
    role: Role
    name: str
    at: int  # milliseconds since 1970, UTC


class PageTurned(Fact, frozen=True):
    page: str
    by: str


class ParticipantLeft(Fact, frozen=True):
    participant: str


class ParticipantRemoved(Fact, frozen=True):
    """Somebody who was let in by mistake is out. `by` is the worker who said so, or empty for the house itself."""

    participant: str
    by: str


class DeviceRemoved(Fact, frozen=True):
    """One device is out; its participant stays, on the others. `device` is the id of its ticket."""

    device: str


class NotesWritten(Fact, frozen=True, omit_defaults=True):
    """Something was written into a box of the notes, or deleted from it. `update` is what the window sent, unchanged.

    `put_aside`: passages that it deleted, which can be brought back; `gone`: ids of passages that can not be any more,
    because their words are in the notes again, or to make room.
    """

    by: str
    box: str
    written: Range
    update: bytes
    taken_over: bool = False
    put_aside: tuple[Passage, ...] = ()
    gone: tuple[str, ...] = ()
    carried: tuple[str, ...] = ()
    """Whose words came back with it: they stay theirs."""


class RemovedForGood(Fact, frozen=True):
    """A passage can not be brought back any more. `by`: who said so."""

    passage: str
    by: str


class PageSuggested(Fact, frozen=True):
    page: str
    by: str


class SuggestionDismissed(Fact, frozen=True):
    """A page is not suggested any more. `by`: who said *not now*, or took back their own suggestion."""

    page: str
    by: str


class ReadingAgreed(Fact, frozen=True):
    """`by` wants to read at one place with the others. It holds as soon as two do."""

    by: str


class ReadingStopped(Fact, frozen=True):
    """Everybody reads at their own place again. `by`: who said so."""

    by: str


class SessionEnded(Fact, frozen=True):
    """`by` is the worker who ended it, or empty when nobody had been connected for a long time."""

    by: str
    at: int  # milliseconds since 1970, UTC


Event: TypeAlias = (
    SessionOpened
    | ParticipantJoined
    | PageTurned
    | ParticipantLeft
    | ParticipantRemoved
    | DeviceRemoved
    | NotesWritten
    | RemovedForGood
    | PageSuggested
    | SuggestionDismissed
    | ReadingAgreed
    | ReadingStopped
    | SessionEnded
)
EVENT_KINDS: tuple[type[Fact], ...] = (
    SessionOpened,
    ParticipantJoined,
    PageTurned,
    ParticipantLeft,
    ParticipantRemoved,
    DeviceRemoved,
    NotesWritten,
    RemovedForGood,
    PageSuggested,
    SuggestionDismissed,
    ReadingAgreed,
    ReadingStopped,
    SessionEnded,
)
