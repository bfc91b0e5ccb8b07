"""The rules of a joint session: pure values and functions, no clock, network, disk or chance.

Start with `SPEC.md`, then `room.py` (what a room is), `decide.py` (what comes of a command), `views.py` (who sees
what). Of the notes, `notes.py` holds what rules know, `updates.py` what may be written, `document.py` the words.
"""

from rooms.commands import (
    Command,
    Dismiss,
    EndSession,
    FromWindow,
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
from rooms.decide import SERVER, Actor, Already, Decision, FromClock, Refusal, already_in_as, decide
from rooms.document import Document
from rooms.events import Event, Role
from rooms.room import Gap, Participant, Position, Recorded, Room, Session, Stamp, evolve, replay
from rooms.views import View, may_see, view_of, why_not

__all__ = [
    "SERVER",
    "Actor",
    "Already",
    "Command",
    "Decision",
    "Dismiss",
    "Document",
    "EndSession",
    "Event",
    "FromClock",
    "FromWindow",
    "Gap",
    "Join",
    "Leave",
    "OpenSession",
    "Participant",
    "Position",
    "ReadApart",
    "ReadTogether",
    "Recorded",
    "Refusal",
    "RemoveDevice",
    "RemoveForGood",
    "RemoveParticipant",
    "Role",
    "Room",
    "Session",
    "Stamp",
    "Suggest",
    "TurnPage",
    "View",
    "Write",
    "already_in_as",
    "decide",
    "evolve",
    "may_see",
    "replay",
    "view_of",
    "why_not",
]
