"""Who may write what into the notes, and what comes of it."""

from __future__ import annotations

import sys
from random import Random
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from rooms import Already, Decision, Document, FromClock, Refusal, RemoveForGood, Role, Stamp, Write, replay
from rooms.events import NotesWritten, RemovedForGood
from rooms.limits import PASSAGE_UNITS, WRITERS_PER_PARTICIPANT
from rooms.notes import BOXES, Notes, Passage, Tried, too_many, units_of, writers_of
from rooms.updates import DELETED, Range, Rule, Unfit, read_update
from tests.rooms.made import deletion, letters, number, struct, update
from tests.rooms.pens import Pen
from tests.rooms.story import Story, sam_and_alex

DECIDE = sys.modules["rooms.decide"]
"""The module: `rooms.decide` is the function."""
LONG = "A passage that is longer than forty letters, which is all it takes."


class Writing:
    """Sam and Alex write. Each has a pen, and numbers what it sends."""

    def __init__(self) -> None:
        self.story = sam_and_alex()
        self.pens = {"sam": Pen("looked", 7), "alex": Pen("looked", 8)}
        self.sent = 0

    def sends(self, who: str, data: bytes, window: str = "", **more: Any) -> Decision:
        self.sent += 1
        stamp = Stamp(window or f"window-of-{who}", self.sent)
        decision = self.story.asks(who, Write("looked", data, **more), stamp)
        if isinstance(decision, tuple):
            for pen in self.pens.values():
                pen.hears(data)
        return decision

    def types(self, who: str, words: str, at: int | None = None) -> NotesWritten:
        return written(self.sends(who, self.pens[who].types(words, at)))

    def deletes(self, who: str, start: int, end: int) -> NotesWritten:
        return written(self.sends(who, self.pens[who].deletes(start, end)))

    @property
    def text(self) -> str:
        return self.story.words.text("looked")

    @property
    def notes(self) -> Notes:
        assert self.story.room.session is not None
        return self.story.room.session.notes


def written(decision: Decision) -> NotesWritten:
    assert isinstance(decision, tuple), decision
    [event] = decision
    assert isinstance(event, NotesWritten)
    return event


def test_nt1_nobody_writes_before_a_service_user_is_let_in() -> None:
    story = Story()
    story.opens()
    story.joins("alex", "Alex", Role.WORKER)
    command, stamp = Write("looked", Pen("looked", 8).types("x")), Stamp("window-of-alex", 1)
    assert story.asks("alex", command, stamp) == Refusal("alone")
    story.joins("sam", "Sam")
    assert isinstance(story.asks("alex", command, stamp), tuple)
    story.joins("kim", "Kim")
    story.leaves("sam")
    later = Write("looked", Pen("looked", 9).types("y"))
    assert isinstance(story.asks("alex", later, Stamp("window-of-alex", 2)), tuple), "Kim is here"
    story.leaves("kim")
    assert story.asks("alex", later, Stamp("window-of-alex", 3)) == Refusal("alone")


def test_nt2_an_id_is_its_participants_and_its_windows() -> None:
    writing = Writing()
    writing.types("sam", "one")
    more = writing.pens["sam"].types("two")
    assert writing.sends("alex", more) == Refusal("not_your_words")
    assert writing.sends("alex", more, taken_over=True) == Refusal("not_your_words")
    assert writing.sends("sam", more, "another-window") == Refusal("taken_over")
    assert isinstance(writing.sends("sam", more, "another-window", taken_over=True), tuple)
    last = writing.pens["sam"].types("three")
    assert writing.sends("sam", last) == Refusal("taken_over"), "nothing new is written under it any more"
    assert isinstance(writing.sends("sam", last, "a-third", taken_over=True), tuple)
    assert writing.text == "onetwothree"


def test_nt2_of_many_windows_the_last_ones_may_write_and_the_others_words_stay_theirs() -> None:
    writing = Writing()
    for nth in range(WRITERS_PER_PARTICIPANT + 1):
        writing.sends("sam", update(100 + nth, 0, letters("x" * 50)), f"window-{nth}")
    assert 100 in writing.notes.retired["sam"] and len(writing.notes.writers) == WRITERS_PER_PARTICIPANT
    assert writing.sends("sam", update(100, 50, letters("y", after=(100, 49))), "window-0") == Refusal("taken_over")
    assert writing.sends("alex", update(100, 50, letters("y", after=(100, 49)))) == Refusal("not_your_words")
    assert writing.sends("sam", update(100, 0, letters("x" * 50)), "window-0") == Already()
    [passage] = written(writing.sends("alex", deletion({100: [(0, 50)]}))).put_aside
    assert passage.writers == ("sam",)


def test_nt3_what_does_not_fit_is_refused_whole() -> None:
    writing = Writing()
    writing.types("sam", "a😀b")
    room, text = writing.story.room, writing.text
    for data in (b"", update(9, 0, letters("x", root="nowhere")), update(9, 0, letters("x", after=(7, 1)))):
        assert writing.sends("alex", data) == Refusal("malformed")
    elsewhere = Write("felt", update(9, 0, letters("x", after=(7, 0))))
    assert writing.story.asks("alex", elsewhere, Stamp("window-of-alex", 99)) == Refusal("malformed"), "another box"
    assert writing.story.asks("alex", Write("nowhere", b"x"), Stamp("window-of-alex", 98)) == Refusal("malformed")
    assert writing.story.asks("alex", elsewhere) == Refusal("malformed"), "a form cannot write"
    assert (writing.story.room, writing.text) == (room, text)


@pytest.mark.parametrize(
    ("rule", "data"),
    [
        (Rule.OTHER_BOX, update(9, 0, struct(number(3), DELETED, root="felt"))),
        (Rule.OTHER_BOX, deletion({21: [(0, 1)]})),
        (Rule.UNSTABLE, update(9, 0, letters("x", after=(7, 4), before=(7, 1)))),
        (Rule.UNSTABLE, update(9, 0, letters("x", after=(7, 0), before=(7, 0)))),
    ],
)
def test_nt3_what_belongs_elsewhere_or_never_stood_so(rule: Rule, data: bytes) -> None:
    writing = Writing()
    writing.types("sam", "Hello")
    writing.story.asks("sam", Write("felt", Pen("felt", 21).types("Quiet")), Stamp("window-of-sam", 50))
    with pytest.raises(Unfit) as unfit:
        writing.story.words.try_on("looked", read_update(data, BOXES), data)
    assert unfit.value.rule is rule
    assert writing.sends("alex", data) == Refusal("malformed")


def test_nt3_nothing_stands_before_and_after_the_same_unit_be_it_deleted() -> None:
    writing = Writing()
    writing.types("sam", "Hello")
    writing.sends("sam", deletion({7: [(1, 1)]}))
    assert writing.sends("alex", update(9, 0, letters("x", after=(7, 1), before=(7, 1)))) == Refusal("malformed")


def test_nt3_neighbours_between_which_its_writer_knew_others_are_refused() -> None:
    """Which text comes of them depends on what a copy hears first; of two who write at once, it never does."""
    writing = Writing()
    writing.sends("sam", update(7, 0, letters("abcd")))
    writing.sends("sam", update(5, 0, letters("x", after=(7, 2))), "another-window")
    between = update(9, 0, letters("y", after=(7, 0), before=(5, 0)))
    with pytest.raises(Unfit) as unfit:
        writing.story.words.try_on("looked", read_update(between, BOXES), between)
    assert unfit.value.rule is Rule.UNSTABLE
    assert writing.sends("alex", between) == Refusal("malformed")
    at_once = update(8, 0, letters("y", after=(7, 2), before=(7, 3)))
    assert isinstance(writing.sends("alex", at_once), tuple)


@pytest.mark.parametrize("saved", [b"garbage", msgspec.msgpack.encode((b"\xff\xff\xff", dict.fromkeys(BOXES, "")))])
def test_nt3_what_was_never_saved_so_does_not_open(saved: bytes) -> None:
    with pytest.raises(Unfit):
        Document(saved).next_of(7)


def test_nt4_what_is_missing_is_asked_for() -> None:
    writing = Writing()
    pen = writing.pens["sam"]
    one, two, gone = pen.types("one "), pen.types("two"), pen.deletes(4, 7)
    assert writing.sends("sam", two) == FromClock(0)
    assert writing.sends("sam", gone) == FromClock(0), "it deletes what has not come"
    writing.sends("sam", one)
    assert writing.sends("sam", gone) == FromClock(4)
    for data in (two, gone):
        assert isinstance(writing.sends("sam", data), tuple)
    assert writing.text == "one "


def test_nt5_written_twice_is_written_once() -> None:
    writing = Writing()
    one = writing.pens["sam"].types("one")
    assert isinstance(writing.sends("sam", one), tuple)
    assert writing.sends("sam", one) == Already()
    gone = writing.pens["sam"].deletes(0, 2)
    assert isinstance(writing.sends("sam", gone), tuple)
    assert writing.sends("sam", gone) == Already()


def test_nt5_a_deletion_that_comes_with_known_words_is_carried_out() -> None:
    """A window that took over sends in one what the one before had sent in two, and the second had not arrived."""
    writing = Writing()
    writing.sends("sam", update(7, 0, letters("abc")))
    both = update(7, 0, letters("abc"), deleted={7: [(0, 1)]})
    assert isinstance(writing.sends("sam", both, "another-window", taken_over=True), tuple)
    assert writing.text == "bc"
    assert writing.notes.writers[7].next == 3
    assert isinstance(writing.sends("sam", update(7, 3, letters("d", after=(7, 2)))), tuple)


def test_nt6_a_full_box_takes_no_more_but_deletions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DECIDE, "BOX_BYTES", 10)
    writing = Writing()
    writing.types("sam", "😀😀")
    assert writing.sends("sam", writing.pens["sam"].types("abc")) == Refusal("notes_full"), "bytes count, not letters"
    writing.pens["sam"] = Pen("looked", 9)
    writing.pens["sam"].hears(writing.story.words.state())
    assert isinstance(writing.sends("sam", writing.pens["sam"].deletes(0, 4)), tuple)
    assert isinstance(writing.sends("sam", writing.pens["sam"].types("abc")), tuple)


def test_nt6_a_session_holds_so_much_and_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DECIDE, "UNITS_PER_SESSION", 10)
    monkeypatch.setattr(DECIDE, "WRITERS_PER_SESSION", 2)
    writing = Writing()
    writing.types("sam", "12345678")
    writing.deletes("sam", 0, 8)
    assert writing.sends("sam", writing.pens["sam"].types("abc")) == Refusal("notes_full"), "deleted or not"
    writing.types("alex", "9")
    assert writing.sends("alex", update(50, 0, letters("x")), "another") == Refusal("notes_full")


@pytest.mark.parametrize(
    ("words", "kept"), [("x" * PASSAGE_UNITS, False), ("x" * (PASSAGE_UNITS + 1), True), ("😀" * 21, True)]
)
def test_nt7_a_passage_that_is_deleted_at_once_is_put_aside(words: str, kept: bool) -> None:
    writing = Writing()
    writing.types("sam", f"Before. {words} After.")
    event = writing.deletes("alex", 8, 8 + len(words.encode()))
    assert [each.text for each in event.put_aside] == [words] * kept
    for passage in event.put_aside:
        assert (passage.writers, passage.by, passage.box) == (("sam",), "alex", "looked")
    assert writing.notes.passages == event.put_aside
    assert writing.text == "Before.  After."


def test_nt7_who_wrote_a_passage_is_known_also_of_several() -> None:
    writing = Writing()
    writing.types("sam", LONG[:30])
    writing.types("alex", LONG[30:])
    [passage] = writing.deletes("alex", 0, len(LONG)).put_aside
    assert passage.writers in (("sam", "alex"), ("alex", "sam"))


def test_nt7_brought_back_by_whatever_way_it_is_gone_from_the_list_and_stays_its_writers() -> None:
    writing = Writing()
    writing.types("sam", LONG)
    [passage] = writing.deletes("alex", 0, len(LONG)).put_aside
    assert writing.types("alex", LONG).gone == (passage.id,)
    assert writing.notes.passages == ()
    [again] = writing.deletes("alex", 0, len(LONG)).put_aside
    assert again.writers == ("sam",), "Alex has only brought it back"
    assert again.id != passage.id


def test_nt7_two_who_bring_back_at_once_do_not_do_it_twice() -> None:
    writing = Writing()
    writing.types("sam", LONG)
    [passage] = writing.deletes("alex", 0, len(LONG)).put_aside
    mine, theirs = writing.pens["sam"].types(LONG), writing.pens["alex"].types(LONG)
    assert isinstance(writing.sends("sam", mine, back=passage.id), tuple)
    assert writing.sends("alex", theirs, back=passage.id) == Refusal("already_back")
    assert writing.sends("sam", mine, back=passage.id) == Already(), "the same again is what it was"
    assert writing.text == LONG


def test_nt7_when_there_are_too_many_ones_own_go_first_and_anothers_never() -> None:
    def passage(nth: int, writer: str, by: str = "sam") -> Passage:
        return Passage(str(nth), "looked", LONG, (writer,), by, (7, 0))

    own, others = [passage(nth, "sam") for nth in range(201)], [passage(nth, "alex") for nth in range(201)]
    assert [each.id for each in too_many(own)] == ["0"]
    assert too_many(others) == ()
    assert [each.id for each in too_many([*others, *own[:2]])] == ["0", "1"]
    large = [msgspec.structs.replace(each, text="x" * 150_000) for each in own[:3]]
    assert [each.id for each in too_many(large)] == ["0"]


def test_nt7_it_goes_with_the_session() -> None:
    writing = Writing()
    writing.types("sam", LONG)
    writing.deletes("sam", 0, len(LONG))
    writing.story.ends("alex")
    assert writing.notes.passages == ()


def test_nt8_who_wrote_it_may_remove_it_for_good() -> None:
    writing = Writing()
    writing.types("sam", LONG)
    [passage] = writing.deletes("alex", 0, len(LONG)).put_aside
    assert writing.story.asks("alex", RemoveForGood(passage.id)) == Refusal("not_your_words")
    assert writing.story.asks("sam", RemoveForGood(passage.id)) == (RemovedForGood(passage.id, "sam"),)
    assert writing.notes.passages == ()
    assert writing.story.asks("sam", RemoveForGood(passage.id)) == Already()


def test_nt8_of_what_several_wrote_the_service_user_may() -> None:
    writing = Writing()
    writing.types("sam", LONG[:30])
    writing.types("alex", LONG[30:])
    [passage] = writing.deletes("sam", 0, len(LONG)).put_aside
    assert writing.story.asks("alex", RemoveForGood(passage.id)) == Refusal("not_your_words")
    assert isinstance(writing.story.asks("sam", RemoveForGood(passage.id)), tuple)


def test_nt9_two_copies_have_the_same_digests_and_others_have_not() -> None:
    writing = Writing()
    writing.types("sam", "Hello")
    copy = Document(writing.story.words.saved())
    assert copy.digests() == writing.story.words.digests()
    writing.types("sam", "!")
    assert copy.digests()["looked"] != writing.story.words.digests()["looked"]
    assert copy.digests()["felt"] == 0


def test_what_is_written_is_never_printed() -> None:
    """[LM3]"""
    writing = Writing()
    event = writing.types("sam", LONG)
    deleted = writing.deletes("sam", 0, len(LONG))
    for shown in (event, deleted, writing.notes.passages, Write("looked", event.update)):
        assert "passage that" not in repr(shown)


def test_nobody_is_named_for_what_nobody_wrote() -> None:
    assert writers_of(Notes(), [Range(7, 0, 3)]) == ()
    assert units_of("a😀") == 3


def test_a_trial_that_came_to_nothing_leaves_no_trace() -> None:
    writing = Writing()
    writing.types("sam", "Hello")
    data = update(50, 0, letters(" there", after=(7, 4)))
    for _ in range(3):
        tried = writing.story.words.try_on("looked", read_update(data, BOXES), data)
        assert tried == Tried(11, True)
        assert writing.text == "Hello"
    assert isinstance(writing.sends("alex", update(60, 0, letters("!", after=(7, 4)))), tuple)
    assert writing.text == "Hello!"


@given(st.integers(0, 10**9))
def test_or8_nt4_whatever_is_written_a_snapshot_and_the_rest_make_the_same(seed: int) -> None:
    """Two write, sometimes on what the other has not heard yet; what is kept is what a plain document makes of it."""
    chance = Random(seed)
    writing, plain = Writing(), Doc[Any]()
    plain_text = plain.get("looked", type=Text)
    saved, room, since = writing.story.words.saved(), writing.story.room, len(writing.story.log)
    for _ in range(30):
        who = chance.choice(["sam", "alex"])
        pen = writing.pens[who]
        letters_there = str(pen.text)
        at = len(letters_there[: chance.randint(0, len(letters_there))].encode())
        if chance.random() < 0.7 or not letters_there:
            data = pen.types(chance.choice(["a", "bc", "😀", "e\u0301", "שלום", LONG]), at)
        else:
            end = len(letters_there[: len(str(letters_there.encode()[:at].decode())) + chance.randint(1, 60)].encode())
            data = pen.deletes(at, end) if end > at else pen.types("x", at)
        stamp = Stamp(f"window-of-{who}", len(writing.story.log) + 1)
        before = writing.text
        decision = writing.story.asks(who, Write("looked", data), stamp)
        if isinstance(decision, tuple):
            plain.apply_update(data)
        else:
            assert decision == Already() and writing.text == before
        if chance.random() < 0.5:
            for other in writing.pens.values():
                other.hears(writing.story.words.state())
        if chance.random() < 0.1:
            saved, room, since = writing.story.words.saved(), writing.story.room, len(writing.story.log)
        assert writing.text == str(plain_text)
    rest = writing.story.log[since:]
    assert replay(room, rest) == writing.story.room
    copy = Document(saved)
    for recorded in rest:
        if isinstance(recorded.event, NotesWritten):
            copy.keep(recorded.event.update)
    assert copy.texts() == writing.story.words.texts()
    for client, writer in writing.notes.writers.items():
        assert copy.next_of(client) == writer.next
