"""What somebody asks for. A command is a request; `decide` makes events of it, or a `Refusal`."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rooms.events import Role, ids_of, snake


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="type", tag=snake):
    """Base of all commands. Prints its kind and its ids, never a word that a person wrote."""

    def __repr__(self) -> str:
        shown = [f"{field}={value}" for field, value in ids_of(self)]
        return f"{type(self).__name__}({', '.join(shown)})"


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


class EndSession(Request, frozen=True):
    pass


Command: TypeAlias = OpenSession | Join | TurnPage | Leave | EndSession
COMMAND_KINDS: tuple[type[Request], ...] = (OpenSession, Join, TurnPage, Leave, EndSession)

FromWindow: TypeAlias = TurnPage | Leave | EndSession
"""The commands that a window may send. The others come from the server itself, after it has checked a link or
account."""
