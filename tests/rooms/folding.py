"""What a client does with what it is told: the browser's `room.ts`, said again in Python."""

from __future__ import annotations

import msgspec

from rooms import View
from rooms.room import Suggestion
from rooms.views import (
    EndSeen,
    NotesSeen,
    PageSeen,
    PassageGone,
    PersonGone,
    PersonSeen,
    ReadingGone,
    ReadingSeen,
    SuggestionGone,
    SuggestionSeen,
    Unseen,
)
from rooms.wire import EventFrame


def fold(view: View, frame: EventFrame) -> View:
    """The view after one more event."""
    position = msgspec.structs.replace(view.position, seq=frame.seq, tail=frame.tail)
    view = msgspec.structs.replace(view, position=position)
    match frame.event:
        case PageSeen(page=page, by=by):
            left = tuple(each for each in view.suggestions if each.page != page)
            return msgspec.structs.replace(view, page=page, turned_by=by, suggestions=left)
        case PersonSeen(person=person):
            return msgspec.structs.replace(view, people=(*view.people, person))
        case PersonGone(participant=gone):
            people = tuple(
                msgspec.structs.replace(person, left=True) if person.id == gone else person for person in view.people
            )
            return msgspec.structs.replace(view, people=people, reading=() if gone in view.reading else view.reading)
        case NotesSeen(put_aside=put_aside, gone=ids):
            passages = tuple(each for each in (*view.passages, *put_aside) if each.id not in ids)
            return msgspec.structs.replace(view, passages=passages)
        case PassageGone(passage=passage):
            kept = tuple(each for each in view.passages if each.id != passage)
            return msgspec.structs.replace(view, passages=kept)
        case SuggestionSeen(page=page, by=by):
            return msgspec.structs.replace(view, suggestions=(*view.suggestions, Suggestion(page, by)))
        case SuggestionGone(page=page):
            left = tuple(each for each in view.suggestions if each.page != page)
            return msgspec.structs.replace(view, suggestions=left)
        case ReadingSeen(by=by):
            return msgspec.structs.replace(view, reading=(*view.reading, by))
        case ReadingGone():
            return msgspec.structs.replace(view, reading=())
        case EndSeen():
            return msgspec.structs.replace(view, ended=True, passages=())
        case Unseen():
            return view
