"""The notes of a session, as far as rules need them: who has written how far, and what can be brought back.

The words themselves are in `document.py`. What is in an update is read in `updates.py`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Protocol

import msgspec

from rooms.limits import PASSAGE_UNITS, PASSAGES_KEPT, PASSAGES_UNITS, WRITERS_PER_PARTICIPANT
from rooms.updates import Range, Update

BOXES = ("looked", "brought_up", "felt", "next")
"""The boxes that the notes have, in their order. Each is one shared text; its title comes from the catalogue."""


class Writer(msgspec.Struct, frozen=True, array_like=True):
    """Whose a client id is ([NT2]). `next`: the clock that comes next. `window` is empty once another window has sent
    on what the first one could not: from then on nothing new is written under this id."""

    participant: str
    window: str
    next: int


class Passage(msgspec.Struct, frozen=True):
    """A passage that was deleted at once and is not gone ([NT7]). `writers`: who had written it; `by`: who deleted it;
    `place`: the id of a unit of it, by which a window finds where it stood."""

    id: str
    box: str
    text: str
    writers: tuple[str, ...]
    by: str
    place: tuple[int, int]

    def __repr__(self) -> str:
        return f"Passage({self.id}, {self.box}, {len(self.text)} letters, by={self.by})"


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """What was brought back stays its writers', whoever brought it back."""

    range: Range
    writers: tuple[str, ...]


class Notes(msgspec.Struct, frozen=True):
    """`writers`: who may still write, by client id, the least recent first. `retired`: the ids under which nobody
    writes any more, by participant. `units`: how much has ever been written, deleted again or not."""

    writers: dict[int, Writer] = {}
    retired: dict[str, tuple[int, ...]] = {}
    units: int = 0
    passages: tuple[Passage, ...] = ()
    carried: tuple[Carried, ...] = ()


class Tried(msgspec.Struct, frozen=True):
    """What an update would do to its box: `size` is that of the box afterwards, in bytes of UTF-8; `removed` and
    `added` the texts that would go and come, each in one piece, looked at only where they may be a passage."""

    size: int
    changes: bool
    removed: tuple[str, ...] = ()
    added: tuple[str, ...] = ()


class Trial(Protocol):
    """A copy of the notes on which an update can be tried before it is written down."""

    def next_of(self, client: int) -> int:
        """The clock that comes next under a client id; 0 for one under which nothing was written."""

    def try_on(self, box: str, update: Update, data: bytes) -> Tried:
        """What `data`, which `update` was read from, would do to `box`. Raises `Unfit`.

        It need not be kept: trying on another one, or going on without it, is allowed afterwards."""


def is_passage(text: str) -> bool:
    """Whether a text is long enough to be kept when it is deleted."""
    return len(text) > PASSAGE_UNITS or units_of(text) > PASSAGE_UNITS


def units_of(text: str) -> int:
    """The length of a text in UTF-16 code units, as browsers count."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


def writers_of(notes: Notes, ranges: Iterable[Range]) -> tuple[str, ...]:
    """Who wrote what stands in these ranges, each once; who only brought something back did not write it."""
    found: list[str] = []
    for each in ranges:
        covered = 0
        for client, clock, length in ((c.range.client, c.range.clock, c.range.length) for c in notes.carried):
            if client == each.client:
                covered += max(0, min(each.end, clock + length) - max(each.clock, clock))
        for carried in notes.carried:
            if carried.range.client == each.client and _overlap(carried.range, each):
                found += carried.writers
        if covered < each.length:
            found += [owner] if (owner := owner_of(notes, each.client)) is not None else []
    return tuple(dict.fromkeys(found))


def owner_of(notes: Notes, client: int) -> str | None:
    """Whose a client id is; None for one under which nothing was written."""
    if client in notes.writers:
        return notes.writers[client].participant
    return next((participant for participant, ids in notes.retired.items() if client in ids), None)


def with_writer(notes: Notes, client: int, writer: Writer) -> Notes:
    """The notes after something more was written. Of a participant's windows, those written in longest ago retire."""
    writers = {id: other for id, other in notes.writers.items() if id != client}
    theirs = [id for id, other in writers.items() if other.participant == writer.participant]
    old = theirs[: max(0, len(theirs) - WRITERS_PER_PARTICIPANT + 1)]
    for id in old:
        del writers[id]
    writers[client] = writer
    if not old:
        return msgspec.structs.replace(notes, writers=writers)
    retired = {**notes.retired, writer.participant: (*notes.retired.get(writer.participant, ()), *old)}
    return msgspec.structs.replace(notes, writers=writers, retired=retired)


def _overlap(one: Range, other: Range) -> bool:
    return one.clock < other.end and other.clock < one.end


def brought_back(notes: Notes, added: Collection[str]) -> tuple[Passage, ...]:
    """The passages whose words are in the notes again, by whatever way: the button, *undo*, or cut and paste."""
    return tuple(passage for passage in notes.passages if passage.text in added)


def may_remove_for_good(passage: Passage, participant: str, service_user: bool) -> bool:
    """Whether this person may remove a passage for good: who wrote all of it, and of what several wrote, the service
    user among them ([NT8])."""
    return participant in passage.writers and (len(passage.writers) == 1 or service_user)


def too_many(passages: Sequence[Passage]) -> tuple[Passage, ...]:
    """Which passages have to go to make room: the oldest of those that were their deleter's own words alone. What
    somebody else wrote never goes by itself, and what they can have written is bounded."""
    count, units = len(passages), sum(len(each.text) for each in passages)
    gone: list[Passage] = []
    for each in passages:
        if count <= PASSAGES_KEPT and units <= PASSAGES_UNITS:
            break
        if each.writers == (each.by,):
            gone.append(each)
            count, units = count - 1, units - len(each.text)
    return tuple(gone)
