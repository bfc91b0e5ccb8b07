"""What somebody asks for. A command is a request; `decide` makes events of it, or a `Refusal`."""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

from rooms.events import Discreet, Role, snake
from rooms.limits import ID_LETTERS, NOTES_UPDATE_BYTES


class Request(Discreet, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=snake):
    """Base of all commands."""


class OpenSession(Request, frozen=True):
    session: str
    practice: bool
    pack: str
    pages: tuple[str, ...]
    home: str


class Join(Request, frozen=True):
    participant: str
    role: Role
    name: str


class TurnPage(Request, frozen=True):
    page: str


class Leave(Request, frozen=True):
    pass


class RemoveParticipant(Request, frozen=True):
    """*This is not Sam*: a person who was let in is out again."""

    participant: str


class RemoveDevice(Request, frozen=True):
    """One device is out, and its participant stays. `device` is the id of its ticket."""

    device: str


class EndSession(Request, frozen=True):
    pass


class Write(Request, frozen=True, omit_defaults=True):
    """Write into a box of the notes, or delete from it. `update` is one of Yjs's, version 1.

    `taken_over`: another window of this person could not send it any more; it stays under that one's client id.
    `back`: the id of the passage that it brings back, so that two who do so at once do not bring it twice.
    """

    box: Annotated[str, msgspec.Meta(max_length=ID_LETTERS)]
    update: Annotated[bytes, msgspec.Meta(max_length=NOTES_UPDATE_BYTES)]
    taken_over: bool = False
    back: Annotated[str, msgspec.Meta(max_length=ID_LETTERS)] = ""


class RemoveForGood(Request, frozen=True):
    """Of a passage that was deleted and can be brought back: it can not be any more."""

    passage: Annotated[str, msgspec.Meta(max_length=ID_LETTERS)]


class Suggest(Request, frozen=True):
    """A page that the others may open, or not: nobody is taken anywhere by it."""

    page: str


class Dismiss(Request, frozen=True):
    """Not now, of a page that was suggested; or, of one's own suggestion, never mind."""

    page: str


class ReadTogether(Request, frozen=True):
    """Read the page at one place with the others who want that, too: to propose it, and to agree."""


class ReadApart(Request, frozen=True):
    """Read at one's own place again, for all: one tap is enough."""


Command: TypeAlias = (
    OpenSession
    | Join
    | TurnPage
    | Leave
    | RemoveParticipant
    | RemoveDevice
    | EndSession
    | Write
    | RemoveForGood
    | Suggest
    | Dismiss
    | ReadTogether
    | ReadApart
)
COMMAND_KINDS: tuple[type[Request], ...] = (
    OpenSession,
    Join,
    TurnPage,
    Leave,
    RemoveParticipant,
    RemoveDevice,
    EndSession,
    Write,
    RemoveForGood,
    Suggest,
    Dismiss,
    ReadTogether,
    ReadApart,
)

FromWindow: TypeAlias = (
    TurnPage
    | Leave
    | RemoveParticipant
    | EndSession
    | Write
    | RemoveForGood
    | Suggest
    | Dismiss
    | ReadTogether
    | ReadApart
)
"""The commands that a window may send. The others come from the server itself, after it has checked a link or
account."""
