"""What comes of a command: events, nothing new, or a refusal. Pure: the time is passed in, chance and ids too."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from rooms.commands import (
    Command,
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
    Suggest,
    TurnPage,
    Write,
)
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
from rooms.limits import (
    BOX_BYTES,
    DEVICES_REMOVED,
    PARTICIPANTS_PER_SESSION,
    SUGGESTIONS,
    UNITS_PER_SESSION,
    WRITERS_PER_SESSION,
)
from rooms.names import clean_name, same_name
from rooms.notes import (
    BOXES,
    Notes,
    Passage,
    Trial,
    Tried,
    brought_back,
    may_remove_for_good,
    owner_of,
    too_many,
    writers_of,
)
from rooms.permissions import may
from rooms.room import Room, Session, Stamp
from rooms.updates import Range, Unfit, Update, read_update


class Actor(msgspec.Struct, frozen=True):
    """Who asks. Always taken from the connection, never from the message. No participant means the server itself.
    `device`: on which one, where that is known."""

    participant: str | None = None
    stamp: Stamp | None = None
    device: str | None = None


SERVER = Actor()
NOTHING_NEW = Range(0, 0, 0)


class Refusal(msgspec.Struct, frozen=True):
    """Why nothing happened: a code for programs. The sentence for the person is made at the edge, in their language."""

    code: str


class Already(msgspec.Struct, frozen=True):
    """Nothing to do: it is so already, or this very command was carried out before."""


class FromClock(msgspec.Struct, frozen=True):
    """Nothing of what was written is taken yet: something before it is missing. Send from `clock` on again ([NT4])."""

    clock: int


Decision: TypeAlias = tuple[Event, ...] | Already | Refusal | FromClock


def decide(room: Room, actor: Actor, command: Command, now: int, words: Trial | None = None) -> Decision:
    """What comes of `command`. The room is not changed: append the events, then `evolve`.

    Args:
        now: milliseconds since 1970, UTC.
        words: the words of the notes at the room's position; needed by who writes, and left as they are.
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
        case Write():
            assert words is not None, "who lets people write has the words"
            return _write(room, room.session.notes, actor, by, command, words)
        case RemoveForGood():
            return _remove_for_good(room, room.session.notes, by, command)
        case Suggest():
            return _suggest(room.session, by, command)
        case Dismiss():
            return _dismiss(room.session, by, command)
        case ReadTogether():
            return Already() if by in room.session.reading else (ReadingAgreed(by),)  # [RT1]
        case ReadApart():
            return (ReadingStopped(by),) if room.session.reading else Already()  # [RT2]


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


def _write(room: Room, notes: Notes, actor: Actor, by: str, command: Write, words: Trial) -> Decision:
    if not any(person.role is Role.SERVICE_USER and not person.left for person in room.participants.values()):
        return Refusal("alone")  # [NT1]
    if actor.stamp is None or command.box not in BOXES:
        return Refusal("malformed")
    try:
        update = read_update(command.update, BOXES)
        new = _new_of(notes, by, actor.stamp.window, command.taken_over, update.written, words)
        if not isinstance(new, Range):
            return new
        if new.length and command.back and all(each.id != command.back for each in notes.passages):
            return Refusal("already_back")  # [NT7]
        if notes.units + new.length > UNITS_PER_SESSION:
            return Refusal("notes_full")  # [NT6]
        tried = words.try_on(command.box, update, command.update)
    except Unfit as unfit:
        if unfit.missing is not None and owner_of(notes, unfit.missing) in (None, by):
            return FromClock(words.next_of(unfit.missing))  # [NT4]: something of theirs, sent before, was not taken.
        return Refusal("malformed")  # [NT3]
    if not new.length and not tried.changes:
        return Already()  # [NT5]: all of it was written, or deleted, before.
    if new.length and tried.size > BOX_BYTES:
        return Refusal("notes_full")  # [NT6]
    back = brought_back(notes, tried.added)
    put_aside = _put_aside(notes, by, update, command.box, tried, room.seq + 1)
    stay = [each for each in notes.passages if each not in back]
    gone = tuple(each.id for each in (*back, *too_many([*stay, *put_aside])))
    carried = tuple(dict.fromkeys(writer for each in back for writer in each.writers))
    return (NotesWritten(by, command.box, new, command.update, command.taken_over, put_aside, gone, carried),)


def _new_of(
    notes: Notes, by: str, window: str, taken_over: bool, written: Range, words: Trial
) -> Range | Refusal | FromClock:
    """What of `written` is new; or what to answer if something has to come before it, or it is another's to write.

    What was written before may come again together with a deletion that is new.
    """
    writer = notes.writers.get(written.client)
    known = writer.next if writer is not None else words.next_of(written.client)
    if not written.length:
        return NOTHING_NEW
    if not known:
        if len(notes.writers) + sum(map(len, notes.retired.values())) >= WRITERS_PER_SESSION:
            return Refusal("notes_full")  # [NT6]
        return written if written.clock == 0 else FromClock(0)  # [NT4]
    if owner_of(notes, written.client) != by:
        return Refusal("not_your_words")  # [NT2]
    if written.end <= known:
        return NOTHING_NEW  # [NT5]
    if writer is None or (writer.window != window and not taken_over):
        return Refusal("taken_over")  # [NT2]
    return written if written.clock == known else FromClock(known)  # [NT4]


def _put_aside(notes: Notes, by: str, update: Update, box: str, tried: Tried, seq: int) -> tuple[Passage, ...]:
    """The passages that it deletes and that can be brought back ([NT7]). `seq`: the number of its event."""
    if not tried.removed:
        return ()
    writers = writers_of(notes, update.deleted)
    first = update.deleted[0]
    # Named by the number that the event will have, so that no two have one name.
    return tuple(
        Passage(f"{seq}-{nth}", box, text, writers, by, (first.client, first.clock))
        for nth, text in enumerate(tried.removed)
    )


def _remove_for_good(room: Room, notes: Notes, by: str, command: RemoveForGood) -> Decision:
    passage = next((each for each in notes.passages if each.id == command.passage), None)
    if passage is None:
        return Already()
    if not may_remove_for_good(passage, by, room.participants[by].role is Role.SERVICE_USER):
        return Refusal("not_your_words")  # [NT8]
    return (RemovedForGood(passage.id, by),)


def _suggest(session: Session, by: str, command: Suggest) -> Decision:
    if command.page not in session.pages:
        return Refusal("unknown_page")  # [PG1]
    if command.page == session.page or any(each.page == command.page for each in session.suggestions):
        return Already()  # [SG2]
    if len(session.suggestions) >= SUGGESTIONS:
        return Refusal("full")  # [SG2]
    return (PageSuggested(command.page, by),)


def _dismiss(session: Session, by: str, command: Dismiss) -> Decision:
    if all(each.page != command.page for each in session.suggestions):
        return Already()
    return (SuggestionDismissed(command.page, by),)  # [SG3]


def _turn_page(session: Session, by: str, command: TurnPage) -> Decision:
    if command.page not in session.pages:
        return Refusal("unknown_page")  # [PG1]
    if command.page == session.page:
        return Already()  # [PG3]
    return (PageTurned(command.page, by),)
