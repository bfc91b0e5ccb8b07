"""What an update may hold, rule by rule ([NT3])."""

from __future__ import annotations

import pytest

from rooms.limits import CLIENT_ID_MAX, CLOCK_MAX, NOTES_UPDATE_BYTES, RANGES_PER_UPDATE, STRUCTS_PER_UPDATE
from rooms.notes import BOXES
from rooms.updates import Place, Range, Rule, Unfit, check_fits, clocks_of, doubles_of, read_update
from tests.rooms.made import deletion, gone, letters, nested, number, ranges, struct, text, update
from tests.rooms.pens import Pen

MANY = [(2 * nth, 1) for nth in range(RANGES_PER_UPDATE + 1)]

BY_ITSELF: list[tuple[Rule, bytes]] = [
    (Rule.TOO_LARGE, update(7, 0, letters("x" * NOTES_UPDATE_BYTES))),
    (Rule.TRUNCATED, b""),
    (Rule.EMPTY, b"\x00\x00"),
    (Rule.EMPTY, b"\x00\x80\x00"),
    (Rule.TWO_WRITERS, number(2) + b"\x00" * 9),
    (Rule.TRUNCATED, update(7, 0, letters("hello"))[:-3]),
    (Rule.TRUNCATED, b"\x01\x01\x07"),
    (Rule.TRUNCATED, b"\x01\x01\x07\x00"),
    (Rule.TRUNCATED, b"\x01\x01\x07\x00\x84\xff"),
    (Rule.NUMBER, b"\x01\x01" + b"\xff" * 9 + b"\x01"),
    (Rule.NUMBER, b"\x01\x01\x07" + b"\x80" * 9 + b"\x00" + letters("x") + b"\x00"),  # A long way to write 0.
    (Rule.NUMBER, update(CLIENT_ID_MAX + 1, 0, letters("x"))),
    (Rule.NUMBER, update(7, CLOCK_MAX + 1, letters("x"))),
    (Rule.NUMBER, update(0, 0, letters("x"))),
    (Rule.TRAILING, update(7, 0, letters("x"), more=b"\x00")),
    (Rule.TOO_MANY_PARTS, update(7, 0)),
    (Rule.TOO_MANY_PARTS, update(7, 0, *[letters("x")] * (STRUCTS_PER_UPDATE + 1))),
    *((Rule.CONTENT, update(7, 0, struct(text("x"), kind))) for kind in (2, 3, 5, 6, 7, 8, 9, 10, 11, 31)),
    (Rule.CONTENT, update(7, 1, struct(number(3), 0, after=(7, 0)))),
    (Rule.CONTENT, nested(20_000)),
    (Rule.ROOT, update(7, 0, letters("x", root="elsewhere"))),
    (Rule.ROOT, update(7, 0, b"\x04" + number(0) + number(7) + number(0) + text("x"))),
    (Rule.ROOT, update(7, 0, b"\x24" + number(1) + text("looked") + text("key") + text("x"))),
    (Rule.ROOT, update(7, 1, b"\xa4" + number(7) + number(0) + text("x"))),
    # These would be read as if they were in a box.
    (Rule.ROOT, update(7, 0, b"\x04" + number(0) + text("looked") + text("x"))),
    (Rule.ROOT, update(7, 0, b"\x24" + number(1) + text("looked") + text("x"))),
    (Rule.LENGTH, update(7, 0, letters(""))),
    (Rule.LENGTH, update(7, 0, gone(0))),
    (Rule.LENGTH, update(7, 0, gone(NOTES_UPDATE_BYTES + 1))),
    (Rule.CONTENT, update(7, 0, b"\x00\x03")),
    (Rule.LENGTH, update(7, CLOCK_MAX, letters("xyz"))),
    (Rule.NOT_UTF8, update(7, 0, letters(b"\xff\xfe"))),
    (Rule.NOT_UTF8, update(7, 0, letters(b"\xed\xa0\xbd"))),
    (Rule.CONTROL, update(7, 0, letters("a\x00b"))),
    (Rule.CONTROL, update(7, 0, letters("a\rb"))),
    (Rule.RANGES, deletion({7: []})),
    (Rule.RANGES, deletion({7: [(0, 0)]})),
    (Rule.RANGES, deletion({7: [(5, 2), (3, 1)]})),
    (Rule.RANGES, deletion({7: [(0, 3), (2, 2)]})),
    (Rule.RANGES, deletion({7: MANY})),
    (Rule.RANGES, number(0) + number(RANGES_PER_UPDATE + 1)),
    (Rule.RANGES, number(0) + number(2) + (number(7) + number(1) + number(0) + number(1)) * 2),
    (Rule.UNKNOWN_ORIGIN, update(7, 0, letters("x", after=(7, 0)))),
    (Rule.UNKNOWN_ORIGIN, update(7, 5, letters("x", before=(7, 9)))),
]


@pytest.mark.parametrize(("rule", "data"), BY_ITSELF, ids=lambda each: each if isinstance(each, Rule) else "")
def test_nt3_what_can_be_told_from_the_bytes_alone(rule: Rule, data: bytes) -> None:
    with pytest.raises(Unfit) as unfit:
        read_update(data, BOXES)
    assert unfit.value.rule is rule


KNOWN = {7: 10, 8: 4}
DOUBLES = {7: {3}}
IN_ITS_PLACE: list[tuple[Rule, int | None, bytes]] = [
    (Rule.UNKNOWN_ORIGIN, 7, update(9, 0, letters("x", after=(7, 10)))),
    (Rule.UNKNOWN_ORIGIN, 6, update(9, 0, letters("x", before=(6, 0)))),
    (Rule.UNKNOWN_DELETED, 8, deletion({8: [(3, 2)]})),
    (Rule.UNKNOWN_DELETED, 5, deletion({7: [(0, 1)], 5: [(0, 1)]})),
    (Rule.SPLIT_LETTER, None, update(9, 0, letters("x", after=(7, 2)))),
    (Rule.SPLIT_LETTER, None, update(9, 0, letters("x", before=(7, 3)))),
    (Rule.SPLIT_LETTER, None, deletion({7: [(0, 3)]})),
    (Rule.SPLIT_LETTER, None, deletion({7: [(3, 1)]})),
    (Rule.SPLIT_LETTER, None, update(9, 0, letters("😀"), letters("x", after=(9, 0)))),
    (Rule.SPLIT_LETTER, None, update(9, 0, letters("😀"), deleted={9: [(1, 1)]})),
]


@pytest.mark.parametrize(("rule", "missing", "data"), IN_ITS_PLACE)
def test_nt3_what_has_to_fit_what_is_known(rule: Rule, missing: int | None, data: bytes) -> None:
    with pytest.raises(Unfit) as unfit:
        check_fits(read_update(data, BOXES), KNOWN, DOUBLES)
    assert (unfit.value.rule, unfit.value.missing) == (rule, missing)


def test_what_honest_windows_make_is_read_as_it_is() -> None:
    pen = Pen("felt", 7)
    update_of_typing = read_update(pen.types("aé😀b🈀🈀c"), BOXES)
    assert update_of_typing.written == Range(7, 0, 10)
    assert update_of_typing.doubles == {3, 6, 8}
    assert update_of_typing.roots == {"felt"}
    deleting = read_update(pen.deletes(1, 7), BOXES)
    assert (deleting.written, deleting.deleted, deleting.deletes) == (Range(0, 0, 0), (Range(7, 1, 3),), 3)
    in_between = read_update(pen.types("xy", at=1), BOXES)
    assert in_between.places == (Place(10, (7, 3), (7, 4)),)
    check_fits(in_between, {7: 10}, {7: {3, 6, 8}})


def test_what_was_written_and_deleted_at_once_is_honest_too() -> None:
    """A composition, for instance: only its length is left."""
    found = read_update(update(7, 0, letters("ab"), gone(7, after=(7, 1)), letters("c", after=(7, 8))), BOXES)
    assert found.written == Range(7, 0, 10)


def test_the_clocks_and_double_units_of_a_whole_document_are_found() -> None:
    one, other = Pen("looked", 7), Pen("next", 8)
    other.hears(one.types("x😀"))
    other.types("🌻y")
    assert clocks_of(other.doc.get_state()) == {7: 3, 8: 3}
    assert doubles_of(other.doc.get_update(), BOXES) == {7: {2}, 8: {1}}
    assert doubles_of(ranges() + ranges(), BOXES) == {}
