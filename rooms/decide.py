"""What comes of a command: events, nothing new, or a refusal. Pure: the time is passed in, chance and ids too."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rooms.commands import (
    Command,
    EndSession,
    Join,
    Leave,
    OpenSession,
    RemoveDevice,
    RemoveParticipant,
    TurnPage,
)
from rooms.events import (
    DeviceRemoved,
    Event,
    PageTurned,
    ParticipantJoined,
    ParticipantLeft,
    ParticipantRemoved,
    Role,
    SessionEnded,
    SessionOpened,
)
from rooms.limits import DEVICES_REMOVED, PARTICIPANTS_PER_SESSION
from rooms.names import clean_name, same_name
from rooms.permissions import may
from rooms.room import Room, Session, Stamp


class Actor(msgspec.Struct, frozen=True):
    """Who asks. Always taken from the connection, never from the message. No participant means the server itself.
    `device`: on which one, where that is known."""

    participant: str | None = None
    stamp: Stamp | None = None
    device: str | None = None


SERVER = Actor()


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing happened: a code for programs. The sentence for the person is made at the edge, in their language."""

    code: str


class Already(msgspec.Struct, frozen=True):
    """Nothing to do: it is so already, or this very command was carried out before."""


Decision: TypeAlias = tuple[Event, ...] | Already | Refusal


def decide(room: Room, actor: Actor, command: Command, now: int) -> Decision:
    """What comes of `command`. The room is not changed: append the events, then `evolve`.

    Args:
        now: milliseconds since 1970, UTC.
    """
    role = Role.SERVER
    if actor.participant is not None:
        participant = room.participants.get(actor.participant)
        if participant is None:
            return Refusal("not_here")  # [PT1]
        role = participant.role
    if actor.stamp is not None and actor.participant is not None:
        before = _seen_before(room, actor.participant, actor.stamp)
        if before is not None:
            return before
    if not may(role, type(command)):
        return Refusal("not_allowed")  # [PM1]
    if isinstance(command, OpenSession):
        return _open_session(room, command, now)
    if room.session is None:
        return Refusal("no_session")  # [SE2]
    if room.session.ended:
        return Refusal("session_ended")  # [SE3]
    if actor.participant is not None and room.participants[actor.participant].left:
        return Refusal("left")  # [PT2]
    if actor.device in room.session.removed_devices:
        return Refusal("left")  # [PT11]
    by = actor.participant or ""
    match command:
        case Join():
            return _join(room, command, now)
        case TurnPage():
            return _turn_page(room.session, by, command)
        case Leave():
            return (ParticipantLeft(by),)
        case RemoveParticipant():
            return _remove_participant(room, by, command)
        case RemoveDevice():
            return _remove_device(room.session, command)
        case EndSession():
            return (SessionEnded(by, now),)


def _seen_before(room: Room, participant: str, stamp: Stamp) -> Already | Refusal | None:
    window = room.windows.get(stamp.window)
    if window is None:
        return None
    if window.participant != participant:
        return Refusal("not_your_window")  # [WN2]
    if stamp.number > window.last:
        return None
    if stamp.number in window.skipped:
        return Refusal("came_to_nothing")  # [WN4]
    return Already()  # [WN3]


def _open_session(room: Room, command: OpenSession, now: int) -> Decision:
    if room.session is not None and room.session.id == command.session:
        return Refusal("session_ended") if room.session.ended else Already()  # [SE3] [SE1]
    if room.session is not None and not room.session.ended:
        return Refusal("session_open")  # [SE1]
    if command.home not in command.pages:
        return Refusal("unknown_page")  # [PG1]
    return (SessionOpened(command.session, command.practice, command.pack, command.pages, command.home, now),)


def _join(room: Room, command: Join, now: int) -> Decision:
    known = room.participants.get(command.participant)
    if known is not None:
        return Refusal("left") if known.left else Already()  # [PT2] [PT3]
    if command.role not in (Role.SERVICE_USER, Role.WORKER):
        return Refusal("not_agreed")  # [PM2]
    name = clean_name(command.name)
    if name is None:
        return Refusal("name_unreadable")  # [PT5]
    present = [person for person in room.participants.values() if not person.left]
    if any(same_name(person.name, name) for person in present):
        return Refusal("name_taken")  # [PT6]
    if len(present) >= PARTICIPANTS_PER_SESSION:
        return Refusal("full")  # [PT4]
    return (ParticipantJoined(command.participant, command.role, name, now),)


def already_in_as(room: Room, name: str) -> str | None:
    """Which service user of the session has this name, if one does: who is let in under it is that person ([PT8])."""
    shown = clean_name(name) or ""
    for person in room.participants.values():
        if person.role is Role.SERVICE_USER and not person.left and same_name(person.name, shown):
            return person.id
    return None


def _remove_participant(room: Room, by: str, command: RemoveParticipant) -> Decision:
    removed = room.participants.get(command.participant)
    if removed is None:
        return Refusal("unknown_person")  # [PT9]
    if by and removed.role is not Role.SERVICE_USER:
        return Refusal("not_allowed")  # [PT10]
    if removed.left:
        return Already()
    return (ParticipantRemoved(removed.id, by),)  # [PT9]


def _remove_device(session: Session, command: RemoveDevice) -> Decision:
    if command.device in session.removed_devices:
        return Already()
    if len(session.removed_devices) >= DEVICES_REMOVED:
        return Refusal("full")  # [PT11]
    return (DeviceRemoved(command.device),)


def _turn_page(session: Session, by: str, command: TurnPage) -> Decision:
    if command.page not in session.pages:
        return Refusal("unknown_page")  # [PG1]
    if command.page == session.page:
        return Already()  # [PG3]
    return (PageTurned(command.page, by),)
