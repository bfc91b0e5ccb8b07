"""What a client does with what it is told: the browser's `room.ts`, said again in Python."""

from __future__ import annotations

import msgspec

from rooms import View
from rooms.views import EndSeen, PageSeen, PersonGone, PersonSeen, Unseen
from rooms.wire import EventFrame


def fold(view: View, frame: EventFrame) -> View:
    """The view after one more event."""
    position = msgspec.structs.replace(view.position, seq=frame.seq, tail=frame.tail)
    view = msgspec.structs.replace(view, position=position)
    match frame.event:
        case PageSeen(page=page, by=by):
            return msgspec.structs.replace(view, page=page, turned_by=by)
        case PersonSeen(person=person):
            return msgspec.structs.replace(view, people=(*view.people, person))
        case PersonGone(participant=gone):
            people = tuple(
                msgspec.structs.replace(person, left=True) if person.id == gone else person for person in view.people
            )
            return msgspec.structs.replace(view, people=people)
        case EndSeen():
            return msgspec.structs.replace(view, ended=True)
        case Unseen():
            return view
