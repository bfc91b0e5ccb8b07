"""The notes in an open room: what is told of them, who may write when, and what is found different.

The stories run in virtual time (`tests.world.loop`): waiting takes none.
"""

from __future__ import annotations

import asyncio
from typing import Any

from rooms import Actor, Document, EndSession, FromWindow, Leave, RemoveForGood, Write
from rooms.limits import WRITES_ON_FOR
from rooms.presence import GRACE
from server.open_room import KEPT_FOR
from tests.rooms.pens import Pen
from tests.server.test_hub import SOON, Scene, busy, story

LONG = "a long passage that somebody will want to have back, later today"


class Sheet:
    """What a window writes into the first box, as commands."""

    def __init__(self, client: int) -> None:
        self.pen = Pen("looked", client)

    def types(self, words: str) -> Write:
        return Write("looked", self.pen.types(words))

    def deletes(self, start: int, end: int) -> Write:
        return Write("looked", self.pen.deletes(start, end))


async def does(scene: Scene, connection: str, number: int, command: FromWindow) -> None:
    scene.node.submit(connection, number, command)
    await asyncio.sleep(SOON)


def told(scene: Scene, connection: str) -> list[dict[str, Any]]:
    """The events of the notes that a connection was told."""
    frames = [
        frame
        for name, payload in scene.ears.heard[connection]
        if name in ("welcome", "events")
        for frame in payload["events"]
    ]
    return [frame["event"] for frame in frames if frame["event"]["kind"] in ("notes_written", "removed_for_good")]


async def texts(scene: Scene) -> dict[str, str]:
    reading = await scene.hub.read("room")
    assert reading is not None
    return {box: text for box, text in reading.texts.items() if text}


@story
async def test_what_one_writes_all_are_told_and_it_answers_its_author(scene: Scene) -> None:
    """[NT4]"""
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    await does(scene, "s", 1, Sheet(7).types("Hello"))
    frame = scene.ears.last("s", "events")["events"][0]
    assert (frame["window"], frame["number"]) == ("window-of-s", 1)
    assert told(scene, "a") == told(scene, "s")
    assert told(scene, "a")[0]["by"] == "sam"
    assert await texts(scene) == {"looked": "Hello"}


@story
async def test_what_is_missing_is_asked_for_and_what_is_known_is_known(scene: Scene) -> None:
    """[NT4] [NT5]"""
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    first, second = sheet.types("one "), sheet.types("two")
    await does(scene, "s", 1, second)
    assert scene.ears.last("s", "answer") == {
        "window": "window-of-s",
        "number": 1,
        "outcome": "again",
        "code": "gap",
        "clock": 0,
    }
    for number, command in enumerate((first, second, first), 2):
        await does(scene, "s", number, command)
    assert scene.ears.answers("s")[1:] == [(4, "already", "")]
    assert await texts(scene) == {"looked": "one two"}


@story
async def test_after_a_gap_later_numbers_do_not_have_to_wait(scene: Scene) -> None:
    """[NT4]: unlike after `busy`, nothing comes under the same number again."""
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    first, second = sheet.types("one "), sheet.types("two")
    scene.node.submit("s", 1, second)
    scene.node.submit("s", 2, first)
    scene.node.submit("s", 3, second)
    await asyncio.sleep(SOON)
    assert await texts(scene) == {"looked": "one two"}


@story
async def test_the_words_come_whole_to_who_is_new_and_again_to_who_comes_back(scene: Scene) -> None:
    await scene.node.attach("s", "sam")
    before = await scene.node.position()
    await does(scene, "s", 1, Sheet(7).types("Hello"))
    await scene.node.attach("a", "alex")
    welcome = scene.ears.last("a", "welcome")
    assert welcome["whole"] is not None and welcome["words"]
    await scene.node.attach("again", "sam", before)
    assert scene.ears.last("again", "welcome")["words"] is None
    assert [event["kind"] for event in told(scene, "again")] == ["notes_written"]


@story
async def test_a_process_that_starts_later_reads_the_words_from_the_disk(scene: Scene) -> None:
    """[NT5] Also what came after the snapshot."""
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    await does(scene, "s", 1, sheet.types("Hello "))
    reading = await scene.hub.read("room")
    assert reading is not None
    kept = await scene.store.load("room")
    assert kept is not None
    await scene.store.snapshot(reading.room, 0, kept.document().saved())
    await does(scene, "s", 2, sheet.types("again"))
    kept = await scene.store.load("room")
    assert kept is not None and len(kept.updates) == 1
    assert kept.document().texts()["looked"] == "Hello again"


@story
async def test_what_may_have_been_written_is_never_written_twice(scene: Scene) -> None:
    """[NT5] The store did not answer, and had done it."""
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    scene.store.pace = busy("after_commit")
    await does(scene, "s", 1, sheet.types("Hello"))
    assert scene.ears.answers("s") == [(1, "already", "")]
    assert await texts(scene) == {"looked": "Hello"}
    assert len(told(scene, "s")) == 1


@story
async def test_nobody_writes_alone_but_a_lost_connection_is_not_leaving_nt1(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    await does(scene, "a", 1, sheet.types("One."))
    scene.hub.detach("s")
    await asyncio.sleep(WRITES_ON_FOR - GRACE)
    await does(scene, "a", 2, sheet.types("Two."))
    await asyncio.sleep(2 * GRACE)
    three = sheet.types("Three.")
    await does(scene, "a", 3, three)
    assert scene.ears.answers("a") == [(3, "refused", "alone")]
    await scene.node.attach("s2", "sam")
    await does(scene, "a", 4, three)
    assert await texts(scene) == {"looked": "One.Two.Three."}
    await does(scene, "s2", 1, Leave())
    await does(scene, "a", 5, sheet.types("Four."))
    assert scene.ears.answers("a")[-1] == (5, "refused", "alone")


@story
async def test_the_service_user_may_write_while_the_worker_is_away_nt1(scene: Scene) -> None:
    await scene.node.attach("s", "sam")
    await asyncio.sleep(2 * WRITES_ON_FOR)
    await does(scene, "s", 1, Sheet(7).types("Hello"))
    assert await texts(scene) == {"looked": "Hello"}


@story
async def test_of_what_was_removed_for_good_no_event_tells_any_more_nt8(scene: Scene) -> None:
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    await does(scene, "s", 1, sheet.types(LONG))
    await does(scene, "s", 2, sheet.deletes(0, len(LONG)))
    passage = told(scene, "s")[1]["put_aside"][0]
    assert (passage["text"], passage["writers"], passage["by"]) == (LONG, ["sam"], "sam")
    assert len(scene.shelf.log("room")) > 3
    await does(scene, "s", 3, RemoveForGood(passage["id"]))
    assert told(scene, "s")[2] == {"kind": "removed_for_good", "passage": passage["id"], "by": "sam"}
    assert scene.shelf.log("room") == []
    kept = await scene.store.load("room")
    assert kept is not None and LONG.encode() not in kept.words


@story
async def test_a_passage_goes_with_its_session_nt7(scene: Scene) -> None:
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    await does(scene, "s", 1, sheet.types(LONG + " and a rest"))
    await does(scene, "s", 2, sheet.deletes(0, len(LONG)))
    await scene.hub.ask("room", Actor("alex"), EndSession())
    over = await scene.store.closed("session")
    assert over is not None and over.room.session is not None
    assert over.room.session.notes.passages == ()
    assert over.document().texts()["looked"] == " and a rest"
    assert scene.shelf.log("room") == []


@story
async def test_the_next_session_begins_with_empty_notes(scene: Scene) -> None:
    await scene.node.attach("s", "sam")
    await does(scene, "s", 1, Sheet(7).types("Hello"))
    await scene.ends_and_meets_again()
    assert await texts(scene) == {}
    await scene.node.attach("s2", "sam-again")
    await does(scene, "s2", 1, Sheet(7).types("Anew"))
    assert await texts(scene) == {"looked": "Anew"}


@story
async def test_notes_that_differ_at_one_position_are_logged_and_mended_from_the_disk_nt9(scene: Scene) -> None:
    await scene.node.attach("a", "alex")
    await scene.node.attach("s", "sam")
    await does(scene, "s", 1, Sheet(7).types("Hello"))
    there, same = await scene.node.position(), Document().digests()
    scene.hub.compare("a", there, {"looked": 0})
    await asyncio.sleep(SOON)
    scene.errors_expected = ["notes_differ"]
    for connection in ("a", "s"):
        assert scene.ears.last(connection, "whole")["view"]["position"][1] == there.seq
    heard = len(scene.ears.heard["a"])
    scene.hub.compare("a", there, {"felt": same["felt"]})
    scene.hub.compare("a", there.__class__(there.epoch, there.seq - 1, "older"), {"looked": 0})
    await asyncio.sleep(SOON)
    assert len(scene.ears.heard["a"]) == heard, "nothing differs, or it is of another moment"


@story
async def test_ten_minutes_later_only_the_words_are_left_of_what_was_written(scene: Scene) -> None:
    """[OR7]: no keystroke, and nothing of what was typed and deleted again."""
    await scene.node.attach("s", "sam")
    sheet = Sheet(7)
    await does(scene, "s", 1, sheet.types("secret word"))
    await does(scene, "s", 2, sheet.deletes(0, 7))
    await asyncio.sleep(2 * KEPT_FOR)
    assert scene.shelf.log("room") == []
    kept = await scene.store.load("room")
    assert kept is not None and b"secret" not in kept.words
    assert kept.document().texts()["looked"] == "word"
