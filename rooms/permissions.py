"""Who may do what. What is not in the table is refused: [PM1]."""

from __future__ import annotations

from rooms.commands import (
    Dismiss,
    EndSession,
    Join,
    Leave,
    OpenSession,
    ReadApart,
    ReadTogether,
    RemoveDevice,
    RemoveForGood,
    RemoveParticipant,
    Request,
    Suggest,
    TurnPage,
    Write,
)
from rooms.events import Role

# A supervisor has no row: they watch, and every write is refused ([PM2]).
ALLOWED: frozenset[tuple[Role, type[Request]]] = frozenset(
    {
        (Role.SERVER, OpenSession),
        (Role.SERVER, Join),
        (Role.SERVER, RemoveParticipant),
        (Role.SERVER, RemoveDevice),
        (Role.SERVER, EndSession),
        (Role.SERVICE_USER, TurnPage),
        (Role.SERVICE_USER, Leave),
        (Role.SERVICE_USER, Write),
        (Role.SERVICE_USER, RemoveForGood),
        (Role.SERVICE_USER, Suggest),
        (Role.SERVICE_USER, Dismiss),
        (Role.SERVICE_USER, ReadTogether),
        (Role.SERVICE_USER, ReadApart),
        (Role.WORKER, TurnPage),
        (Role.WORKER, Leave),
        (Role.WORKER, Write),
        (Role.WORKER, RemoveForGood),
        (Role.WORKER, Suggest),
        (Role.WORKER, Dismiss),
        (Role.WORKER, ReadTogether),
        (Role.WORKER, ReadApart),
        (Role.WORKER, RemoveParticipant),
        (Role.WORKER, EndSession),
    }
)


def may(role: Role, command: type[Request]) -> bool:
    """Whether somebody in this role may ask for this kind of thing at all."""
    return (role, command) in ALLOWED
