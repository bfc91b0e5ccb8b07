"""What an update of the notes may hold, read in plain Python before anything else sees a byte of it ([NT3]).

An update is Yjs's, version 1: a list of structs (what was written) and a set of deleted ranges. The libraries that
apply it were not made for hostile bytes: one deeply nested value ends the whole process, some bytes raise what is no
`Exception`, and what does not fit a document makes two copies of it differ for good, silently. So only what honest
notes are made of comes through: text, under one writer's id, in a known box, right after what is known of that writer.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from enum import StrEnum

import msgspec

from rooms.limits import CLIENT_ID_MAX, CLOCK_MAX, NOTES_UPDATE_BYTES, RANGES_PER_UPDATE, STRUCTS_PER_UPDATE

DELETED, STRING = 1, 4
"""The kinds of content that honest notes hold. `DELETED` stands for what was written and deleted at once. Yjs has one
more for that (`GC`), where what it stood in is gone, too: a box never is, and beside such a unit there is no place."""
_KIND = 0b0001_1111
_HAS_ORIGIN = 0b1000_0000
_HAS_RIGHT_ORIGIN = 0b0100_0000
_HAS_KEY = 0b0010_0000

NOT_FOR_NOTES = re.compile("[\x00-\x08\x0b-\x1f\x7f]")
"""Control characters. A text box shows none of them but tab and new line, and would change a carriage return."""
_OUTSIDE_THE_PLANE = re.compile("[\U00010000-\U0010ffff]+")
"""Letters that are two units long: most emoji."""


def number(value: int) -> bytes:
    """An unsigned number as updates hold it: seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


class Rule(StrEnum):
    """Why an update is not taken. The first ones can be told from its bytes alone."""

    TOO_LARGE = "too_large"
    TRUNCATED = "truncated"
    NUMBER = "number"
    TRAILING = "trailing"
    EMPTY = "empty"
    TWO_WRITERS = "two_writers"
    TOO_MANY_PARTS = "too_many_parts"
    CONTENT = "content"
    ROOT = "root"
    LENGTH = "length"
    NOT_UTF8 = "not_utf8"
    CONTROL = "control"
    RANGES = "ranges"
    # These depend on what is known of the document.
    UNKNOWN_ORIGIN = "unknown_origin"
    UNKNOWN_DELETED = "unknown_deleted"
    SPLIT_LETTER = "split_letter"
    OTHER_BOX = "other_box"
    UNSTABLE = "unstable"
    NOT_APPLIED = "not_applied"


class Unfit(ValueError):
    """An update that cannot be taken. It names the rule, never the bytes.

    `missing`: the client id of which something is referred to that is not known. An honest window's update comes to
    that when one that it sent before was not taken; all else no honest window sends.
    """

    def __init__(self, rule: Rule, missing: int | None = None) -> None:
        super().__init__(rule.value)
        self.rule = rule
        self.missing = missing


class Range(msgspec.Struct, frozen=True, array_like=True):
    """`length` units that `client` wrote, from `clock` on."""

    client: int
    clock: int
    length: int

    @property
    def end(self) -> int:
        return self.clock + self.length


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Where what begins at `clock` was written: right after one unit and right before another, as its window had them;
    None at an end of the box."""

    clock: int
    after: tuple[int, int] | None
    before: tuple[int, int] | None


class Update(msgspec.Struct, frozen=True):
    """What an update says, as far as rules need it. Units are UTF-16 code units, as Yjs counts.

    `written`: what was written (its client is 0 if nothing was). `places`: where. `doubles`: clocks of second halves
    among what was written. `deleted_at_once`: whether some of what was written had been deleted before it was sent.
    """

    written: Range
    roots: frozenset[str]
    places: tuple[Place, ...]
    deleted: tuple[Range, ...]
    doubles: frozenset[int]
    deleted_at_once: bool

    @property
    def deletes(self) -> int:
        """How many units it deletes, known to be deleted already or not."""
        return sum(each.length for each in self.deleted)


class _Found:
    """What has been found in the structs of one update so far."""

    __slots__ = ("deleted", "doubles", "places", "roots")

    def __init__(self) -> None:
        self.roots: set[str] = set()
        self.places: list[Place] = []
        self.doubles: set[int] = set()
        self.deleted = False


class _Reader:
    """The numbers and texts of an update, one after the other. Raises `Unfit`."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def byte(self) -> int:
        at = self.at
        if at >= len(self.data):
            raise Unfit(Rule.TRUNCATED)
        self.at = at + 1
        return self.data[at]

    def number(self, most: int) -> int:
        """An unsigned number of variable length: seven bits a byte, the lowest first."""
        data, at = self.data, self.at
        value = shift = 0
        try:
            while True:
                byte = data[at]
                at += 1
                value |= (byte & 0x7F) << shift
                if byte < 0x80:
                    break
                shift += 7
                if shift > 56:
                    raise Unfit(Rule.NUMBER)
        except IndexError:
            raise Unfit(Rule.TRUNCATED) from None
        if value > most:
            raise Unfit(Rule.NUMBER)
        self.at = at
        return value

    def text(self) -> str:
        size = self.number(NOTES_UPDATE_BYTES)
        start, self.at = self.at, self.at + size  # Beyond the end, if it is cut off: then nothing comes after it.
        try:
            return self.data[start : self.at].decode()
        except UnicodeDecodeError:
            raise Unfit(Rule.NOT_UTF8) from None

    def id(self) -> tuple[int, int]:
        return self.number(CLIENT_ID_MAX), self.number(CLOCK_MAX)


def read_update(data: bytes, boxes: Collection[str]) -> Update:
    """What `data` says, if it may be part of notes that have these boxes.

    Raises:
        Unfit: it may not. Nothing else is raised, whatever the bytes, and how long it takes is bounded by the limits.
    """
    if len(data) > NOTES_UPDATE_BYTES:
        raise Unfit(Rule.TOO_LARGE)
    reader = _Reader(data)
    written = Range(0, 0, 0)
    found = _Found()
    writers = reader.number(CLIENT_ID_MAX)
    if writers > 1:
        raise Unfit(Rule.TWO_WRITERS)
    if writers:
        parts = reader.number(CLOCK_MAX)
        if not 0 < parts <= STRUCTS_PER_UPDATE:
            raise Unfit(Rule.TOO_MANY_PARTS)
        client, clock = reader.id()
        if not client:
            raise Unfit(Rule.NUMBER)
        at = clock
        for _ in range(parts):
            at += _read_struct(reader, client, at, boxes, found)
            if at > CLOCK_MAX:
                raise Unfit(Rule.LENGTH)
        written = Range(client, clock, at - clock)
    deleted = _read_deleted(reader)
    if reader.at != len(data):
        raise Unfit(Rule.TRAILING)
    if not writers and not deleted:  # As anything is in version 2, for who reads it as version 1.
        raise Unfit(Rule.EMPTY)
    return Update(
        written, frozenset(found.roots), tuple(found.places), deleted, frozenset(found.doubles), found.deleted
    )


def _read_struct(reader: _Reader, client: int, clock: int, boxes: Collection[str], found: _Found) -> int:
    """One struct; gives its length."""
    info = reader.byte()
    kind = info & _KIND
    if kind not in (DELETED, STRING):
        raise Unfit(Rule.CONTENT)
    after = _written_before(reader.id(), client, clock) if info & _HAS_ORIGIN else None
    before = _written_before(reader.id(), client, clock) if info & _HAS_RIGHT_ORIGIN else None
    found.places.append(Place(clock, after, before))
    if not info & (_HAS_ORIGIN | _HAS_RIGHT_ORIGIN):
        # 1 names a root; 0 would put it inside of something that somebody wrote.
        if info & _HAS_KEY or reader.number(1) != 1:
            raise Unfit(Rule.ROOT)
        root = reader.text()
        if root not in boxes:
            raise Unfit(Rule.ROOT)
        found.roots.add(root)
    elif info & _HAS_KEY:
        raise Unfit(Rule.ROOT)
    if kind == DELETED:
        found.deleted = True
        return _length(reader)
    text = reader.text()
    if not text:
        raise Unfit(Rule.LENGTH)
    if NOT_FOR_NOTES.search(text):
        raise Unfit(Rule.CONTROL)
    if text.isascii():
        return len(text)
    units = len(text)
    for letters in _OUTSIDE_THE_PLANE.finditer(text):
        first = clock + letters.start() + (units - len(text)) + 1
        found.doubles.update(range(first, first + 2 * len(letters.group()), 2))
        units += len(letters.group())
    return units


def _written_before(id: tuple[int, int], client: int, clock: int) -> tuple[int, int]:
    """Nothing stands beside what its own writer was still going to write."""
    if id[0] == client and id[1] >= clock:
        raise Unfit(Rule.UNKNOWN_ORIGIN)
    return id


def _length(reader: _Reader) -> int:
    length = reader.number(CLOCK_MAX)
    if not 0 < length <= NOTES_UPDATE_BYTES:
        raise Unfit(Rule.LENGTH)
    return length


def _read_deleted(reader: _Reader) -> tuple[Range, ...]:
    deleted: list[Range] = []
    seen: set[int] = set()
    writers = reader.number(CLIENT_ID_MAX)
    if writers > RANGES_PER_UPDATE:
        raise Unfit(Rule.RANGES)
    for _ in range(writers):
        client, count = reader.number(CLIENT_ID_MAX), reader.number(CLOCK_MAX)
        if client in seen or not 0 < count <= RANGES_PER_UPDATE - len(deleted):
            raise Unfit(Rule.RANGES)
        seen.add(client)
        end = -1
        for _ in range(count):
            clock, length = reader.number(CLOCK_MAX), reader.number(CLOCK_MAX)
            if clock <= end or not length:
                raise Unfit(Rule.RANGES)
            end = clock + length
            deleted.append(Range(client, clock, length))
    return tuple(deleted)


def clocks_of(state_vector: bytes) -> dict[int, int]:
    """The clock that comes next under each id, as a library tells it of a whole document. Raises `Unfit`."""
    reader = _Reader(state_vector)
    return dict(reader.id() for _ in range(reader.number(CLIENT_ID_MAX)))


def doubles_of(state: bytes, boxes: Collection[str]) -> dict[int, set[int]]:
    """Where the second halves of letters of two units stand in a whole document, by writer. Raises `Unfit`."""
    reader = _Reader(state)
    doubles: dict[int, set[int]] = {}
    for _ in range(reader.number(CLIENT_ID_MAX)):
        parts = reader.number(CLOCK_MAX)
        client, at = reader.id()
        found = _Found()
        for _ in range(parts):
            at += _read_struct(reader, client, at, boxes, found)
        if found.doubles:
            doubles[client] = found.doubles
    return doubles


def check_fits(update: Update, known: Mapping[int, int], doubles: Mapping[int, Collection[int]]) -> None:
    """Whether all that `update` refers to is known, so that it becomes part of the document at once and nothing of it
    has to wait for more; and no letter of two units is cut in two, which the libraries heal each in their own way.

    Args:
        known: the clock that comes next under each id. `update` itself begins right there.
        doubles: clocks of second halves of letters, by writer.

    Raises:
        Unfit: `UNKNOWN_ORIGIN`, `UNKNOWN_DELETED` or `SPLIT_LETTER`.
    """
    own = update.written

    def is_known(client: int, clock: int) -> bool:
        if client == own.client and clock < own.end:
            return True
        return clock < known.get(client, 0)

    def cuts(client: int, clock: int) -> bool:
        return clock in doubles.get(client, ()) or (client == own.client and clock in update.doubles)

    for place in update.places:
        for neighbour in (place.after, place.before):
            if neighbour is not None and not is_known(*neighbour):
                raise Unfit(Rule.UNKNOWN_ORIGIN, neighbour[0])
        if place.after is not None and cuts(place.after[0], place.after[1] + 1):
            raise Unfit(Rule.SPLIT_LETTER)
        if place.before is not None and cuts(*place.before):
            raise Unfit(Rule.SPLIT_LETTER)
    for each in update.deleted:
        if not is_known(each.client, each.end - 1):
            raise Unfit(Rule.UNKNOWN_DELETED, each.client)
        if cuts(each.client, each.clock) or cuts(each.client, each.end):
            raise Unfit(Rule.SPLIT_LETTER)
