"""Examples of views and what is seen of events, for the two that fold them: Python here, `room.ts` in the browser.

`python -m tests.golden.write` writes them anew. A change in these files is a change of the protocol: look at it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from rooms import (
    Dismiss,
    Leave,
    Position,
    ReadApart,
    ReadTogether,
    RemoveForGood,
    RemoveParticipant,
    Role,
    Stamp,
    Suggest,
    View,
    Write,
)
from rooms.views import Unseen
from rooms.wire import EventFrame, event_frames
from tests.rooms.pens import Pen
from tests.rooms.story import Story, sam_and_alex

HERE = Path(__file__).resolve().parent


class Example(msgspec.Struct, frozen=True):
    """Whoever stands at `before` and folds `frames` comes to `after`."""

    name: str
    you: str
    before: View
    frames: tuple[EventFrame, ...]
    after: View


class Telling:
    """One participant looks, a story goes on, and they look again."""

    def __init__(self, name: str, story: Story, you: str = "alex") -> None:
        self.name, self.story, self.you = name, story, you
        self.before, self.begin = story.sees(you), len(story.log)

    def told(self) -> Example:
        return Example(
            self.name, self.you, self.before, event_frames(self.story.log[self.begin :]), self.story.sees(self.you)
        )


def page_turned() -> Example:
    telling = Telling("page_turned", sam_and_alex())
    telling.story.turns("sam", "hard-days", "window-of-sam-on-her-phone", 1)
    return telling.told()


def own_page_turned() -> Example:
    telling = Telling("own_page_turned", sam_and_alex())
    telling.story.turns("alex", "people", "window-of-alex-at-the-desk", 41)
    return telling.told()


def page_turned_without_script() -> Example:
    """A form was sent instead: the event has no window and no number."""
    telling = Telling("page_turned_without_script", sam_and_alex())
    telling.story.turns("sam", "people")
    return telling.told()


def participant_joined() -> Example:
    telling = Telling("participant_joined", sam_and_alex())
    telling.story.joins("kim", "Kim")
    return telling.told()


def names_of_all_kinds() -> Example:
    telling = Telling("names_of_all_kinds", sam_and_alex())
    for who, name in (("a", "Zoë 🌻"), ("b", "نیلوفر"), ("c", "李"), ("d", '<b>"O\'Neil" & </script>')):
        telling.story.joins(who, name, Role.WORKER)
    return telling.told()


def participant_left() -> Example:
    telling = Telling("participant_left", sam_and_alex())
    telling.story.asks("sam", Leave())
    return telling.told()


def participant_removed() -> Example:
    """Alex has put out Kim, who said that her name was Sam. Everybody else is told that she has left."""
    telling = Telling("participant_removed", sam_and_alex())
    stamp = Stamp("window-of-alex-at-the-desk", 3)
    telling.story.asks("alex", RemoveParticipant("sam"), stamp)
    return telling.told()


def device_removed() -> Example:
    """Sam's lost phone is out, and he is here on his tablet."""
    telling = Telling("device_removed", sam_and_alex(), you="sam")
    telling.story.removes_device("sams-lost-phone")
    return telling.told()


def notes_written() -> Example:
    telling = Telling("notes_written", sam_and_alex())
    telling.story.asks(
        "sam", Write("felt", Pen("felt", 7).types("Quieter than I thought 🌙")), Stamp("window-of-sam", 1)
    )
    return telling.told()


LONG = "A passage that is longer than forty letters, which is all it takes."


def passage_deleted() -> Example:
    """Alex deletes at once what Sam has written: it is put aside."""
    story, sam = sam_and_alex(), Pen("felt", 7)
    story.asks("sam", Write("felt", sam.types(LONG)), Stamp("window-of-sam", 1))
    telling = Telling("passage_deleted", story)
    story.asks("alex", Write("felt", sam.deletes(0, len(LONG))), Stamp("window-of-alex-at-the-desk", 1))
    return telling.told()


def passage_brought_back() -> Example:
    """Sam undoes it: the same words, under an id of his own."""
    story, sam = sam_and_alex(), Pen("felt", 7)
    story.asks("sam", Write("felt", sam.types(LONG)), Stamp("window-of-sam", 1))
    story.asks("alex", Write("felt", sam.deletes(0, len(LONG))), Stamp("window-of-alex-at-the-desk", 1))
    telling = Telling("passage_brought_back", story)
    story.asks("sam", Write("felt", sam.types(LONG)), Stamp("window-of-sam", 2))
    return telling.told()


def removed_for_good() -> Example:
    story, sam = sam_and_alex(), Pen("felt", 7)
    story.asks("sam", Write("felt", sam.types(LONG)), Stamp("window-of-sam", 1))
    story.asks("sam", Write("felt", sam.deletes(0, len(LONG))), Stamp("window-of-sam", 2))
    telling = Telling("removed_for_good", story)
    story.asks("sam", RemoveForGood(telling.before.passages[0].id), Stamp("window-of-sam", 3))
    return telling.told()


def session_ended() -> Example:
    telling = Telling("session_ended", sam_and_alex(), you="sam")
    telling.story.ends("alex")
    return telling.told()


def session_ended_by_itself() -> Example:
    telling = Telling("session_ended_by_itself", sam_and_alex(), you="sam")
    telling.story.ends(None)
    return telling.told()


def unseen() -> Example:
    """An event of which this person sees nothing: only the position moves."""
    before = sam_and_alex().sees("sam")
    position = Position(before.position.epoch, before.position.seq + 1, "tail-of-what-is-not-shown")
    frame = EventFrame(position.seq, position.tail, Unseen())
    return Example("unseen", "sam", before, (frame,), msgspec.structs.replace(before, position=position))


def page_suggested() -> Example:
    telling = Telling("page_suggested", sam_and_alex())
    telling.story.asks("sam", Suggest("people"))
    return telling.told()


def suggestion_dismissed() -> Example:
    """Two are suggested; one is dismissed, the other opened."""
    telling = Telling("suggestion_dismissed", sam_and_alex())
    story = telling.story
    story.asks("sam", Suggest("people"))
    story.asks("alex", Suggest("hard-days"))
    story.asks("alex", Dismiss("people"))
    story.turns("sam", "hard-days")
    return telling.told()


def reading_stopped() -> Example:
    """Agreed, stopped, agreed again by one, who leaves."""
    telling = Telling("reading_stopped", sam_and_alex())
    story = telling.story
    for who in ("alex", "sam"):
        story.asks(who, ReadTogether())
    story.asks("sam", ReadApart())
    story.asks("sam", ReadTogether())
    story.leaves("sam")
    return telling.told()


def reading_agreed() -> Example:
    telling = Telling("reading_agreed", sam_and_alex())
    telling.story.asks("sam", ReadTogether())
    return telling.told()


def nothing_happened() -> Example:
    return Telling("nothing_happened", sam_and_alex()).told()


def a_whole_meeting() -> Example:
    telling = Telling("a_whole_meeting", sam_and_alex())
    story = telling.story
    story.turns("sam", "hard-days", "window-of-sam-on-her-phone", 1)
    story.turns("alex", "small-things", "window-of-alex-at-the-desk", 1)
    story.joins("kim", "Kim")
    story.turns("kim", "people", "window-of-kim", 7)
    story.leaves("kim")
    story.turns("sam", "home", "window-of-sam-on-her-phone", 3)
    story.leaves("sam")
    story.joins("sam-again", "Sam")
    story.turns("sam-again", "people", "window-of-sam-on-her-tablet", 1)
    story.ends("alex")
    return telling.told()


TELLERS = (
    page_turned,
    own_page_turned,
    page_turned_without_script,
    participant_joined,
    names_of_all_kinds,
    participant_left,
    participant_removed,
    device_removed,
    notes_written,
    passage_deleted,
    passage_brought_back,
    removed_for_good,
    page_suggested,
    suggestion_dismissed,
    reading_agreed,
    reading_stopped,
    session_ended,
    session_ended_by_itself,
    unseen,
    nothing_happened,
    a_whole_meeting,
)


def files() -> dict[str, str]:
    """Name of each file → what has to stand in it."""
    return {f"{teller.__name__}.json": _text(teller()) for teller in TELLERS}


def _text(example: Example) -> str:
    plain: dict[str, Any] = msgspec.to_builtins(example)
    return msgspec.json.format(msgspec.json.encode(plain), indent=2).decode() + "\n"


if __name__ == "__main__":
    for old in HERE.glob("*.json"):
        old.unlink()
    for name, text in files().items():
        (HERE / name).write_text(text, encoding="utf-8")
