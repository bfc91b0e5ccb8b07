"""What somebody asks for. A command is a request; `decide` makes events of it, or a `Refusal`."""

from __future__ import annotations

from typing import TypeAlias

from rooms.events import Discreet, Role, snake


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


Command: TypeAlias = OpenSession | Join | TurnPage | Leave | RemoveParticipant | RemoveDevice | EndSession
COMMAND_KINDS: tuple[type[Request], ...] = (
    OpenSession,
    Join,
    TurnPage,
    Leave,
    RemoveParticipant,
    RemoveDevice,
    EndSession,
)

FromWindow: TypeAlias = TurnPage | Leave | RemoveParticipant | EndSession
"""The commands that a window may send. The others come from the server itself, after it has checked a link or
account."""
