"""The words of the notes: a Yjs document, in two standing copies. The only file that knows pycrdt.

An update is tried on one copy, written to disk, and then applied to the other: a copy made for each edit would cost
milliseconds. What could not be written to disk leaves the first copy ahead; it is made anew before it is used again.

pycrdt counts bytes of UTF-8, browsers count UTF-16 code units. Nothing outside this file has to know.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias, TypeVar

import msgspec
from pycrdt import Doc, StickyIndex, Text, Transaction

from rooms.limits import PASSAGE_UNITS
from rooms.notes import BOXES, Tried, is_passage
from rooms.updates import Rule, Unfit, Update, check_fits, clocks_of, doubles_of, number, read_update

Delta: TypeAlias = list[dict[str, Any]]
"""What happened to a text, from its beginning: so many bytes stay, so many go, these letters come."""
Found = TypeVar("Found")


class _Copy:
    """One standing copy."""

    def __init__(self, state: bytes) -> None:
        self.doc: Doc[Any] = Doc()
        self.texts: dict[str, Text] = {box: self.doc.get(box, type=Text) for box in BOXES}
        if state:
            self.apply(state)

    def text(self, box: str) -> str:
        return str(self.texts[box])

    def apply(self, data: bytes) -> None:
        """Raises `Unfit`."""
        _or_unfit(lambda: self.doc.apply_update(data))

    def index_of(self, unit: tuple[int, int], after: bool, transaction: Transaction) -> int:
        """Where a unit stands in its box, in bytes of UTF-8; or where what comes right after it would stand. Raises
        `Unfit`."""
        place = b"\x00" + number(unit[0]) + number(unit[1]) + (b"\x41" if after else b"\x00")
        return _or_unfit(lambda: StickyIndex.decode(place).get_index(transaction))


def _or_unfit(call: Callable[[], Found]) -> Found:
    """Raises `Unfit`, whatever the library raises: some of that is no `Exception` ([NT3])."""
    try:
        return call()
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:
        raise Unfit(Rule.NOT_APPLIED) from None


class _Trial(_Copy):
    """A copy that tells what an update does to it."""

    def __init__(self, state: bytes) -> None:
        super().__init__(state)
        self.sizes = self._sizes()
        """How long the text in each box is, in bytes of UTF-8."""

    def _sizes(self) -> tuple[int, ...]:
        with self.doc.transaction():
            return tuple(len(text) for text in self.texts.values())

    def apply_and_look(self, data: bytes, closely: bool) -> Mapping[str, Delta]:
        """What it did, by box. Raises `Unfit`.

        Args:
            closely: whether to see it all. That costs many times what applying it does; of what only adds words, the
                sizes tell where, and the deltas are left empty.
        """
        before, changes = self.sizes, dict[str, Delta]()
        if closely:
            with self._observed(changes):
                self.apply(data)
            self.sizes = self._sizes()
            return changes
        self.apply(data)
        self.sizes = self._sizes()
        return {box: [] for box, old, new in zip(BOXES, before, self.sizes, strict=True) if old != new}

    @contextmanager
    def _observed(self, changes: dict[str, Delta]) -> Iterator[None]:
        def noted(box: str, event: Any) -> None:
            changes[box] = event.delta

        observing = [(text, text.observe(partial(noted, box))) for box, text in self.texts.items()]
        try:
            yield
        finally:
            for text, subscription in observing:
                text.unobserve(subscription)


class _Saved(msgspec.Struct, frozen=True, array_like=True):
    """A document as it is kept. The texts stand there besides, so that whoever only reads need not build anything."""

    state: bytes
    texts: dict[str, str]


class Document:
    """The notes' words, at one position of their room.

    What was saved is built into a document only when somebody writes: long histories take their time.
    """

    def __init__(self, saved: bytes = b"") -> None:
        """`saved`: what an earlier document gave as `saved`. Raises `Unfit` for anything else."""
        try:
            found = msgspec.msgpack.decode(saved, type=_Saved) if saved else _Saved(b"", dict.fromkeys(BOXES, ""))
        except msgspec.DecodeError:
            raise Unfit(Rule.NOT_APPLIED) from None
        self._state: bytes | None = found.state
        self._texts: dict[str, str] | None = found.texts
        self._built: _Copy | None = None
        self._clocks: dict[int, int] = {}
        """The clock that comes next under each id, once it is built; and where letters of two units have their
        second half."""
        self._doubles: dict[int, set[int]] = {}
        self.mended = False
        """Whether the words turned out to read otherwise than they were shown, and are now as they read."""
        self._trial: _Trial | None = None
        self._tried: tuple[bytes, Update] | None = None
        """What the trial copy has, and the kept one has not."""

    def _build(self) -> _Copy:
        """The kept copy."""
        if self._built is None:
            self._built = _Copy(self._state or b"")
            self._clocks = clocks_of(self._built.doc.get_state())
            # Most notes have no such letter, and looking for them in a long history takes its time, too.
            if any(max(text, default="") > "\uffff" for text in self.texts().values()):
                self._doubles = doubles_of(self.state(), BOXES)
        return self._built

    def next_of(self, client: int) -> int:
        """See `notes.Trial`."""
        self._build()
        return self._clocks.get(client, 0)

    def try_on(self, box: str, update: Update, data: bytes) -> Tried:
        """See `notes.Trial`."""
        kept = self._build()
        check_fits(update, self._clocks, self._doubles)
        if self._trial is None or self._tried is not None:
            self._trial = _Trial(self.state())
        trial, self._tried = self._trial, (data, update)
        apart = not self._stands_together(kept, box, update)
        looks = update.deletes > PASSAGE_UNITS or update.written.length > PASSAGE_UNITS
        changes = trial.apply_and_look(data, closely=looks or update.deleted_at_once or bool(update.deleted))
        if not changes.keys() <= {box}:
            raise Unfit(Rule.OTHER_BOX)
        if apart and _Copy(trial.doc.get_update()).text(box) != trial.text(box):
            raise Unfit(Rule.UNSTABLE)
        removed, added = _letters(changes[box], kept.text(box)) if looks and changes else ((), ())
        return Tried(trial.sizes[BOXES.index(box)], bool(changes), removed, added)

    def keep(self, data: bytes) -> None:
        """`data` is on disk: from now on it is part of the words.

        Raises:
            Unfit: it was never let in by `try_on`, here or in another process.
        """
        kept = self._build()
        if self._tried is not None and self._tried[0] == data:
            update = self._tried[1]
        else:
            update = read_update(data, BOXES)
            check_fits(update, self._clocks, self._doubles)
            if self._tried is not None:
                self._trial = None
            elif self._trial is not None:
                self._trial.apply_and_look(data, closely=False)
        self._tried = self._state = self._texts = None
        kept.apply(data)
        own = update.written
        if own.length:
            self._clocks[own.client] = max(own.end, self._clocks.get(own.client, 0))
        if update.doubles:
            self._doubles.setdefault(own.client, set()).update(update.doubles)

    @staticmethod
    def _stands_together(kept: _Copy, box: str, update: Update) -> bool:
        """Whether all that was written stands in one place, whose neighbours are neighbours here, too.

        Mostly it does. It does not when others have written there meanwhile; and when somebody names neighbours that
        never were any, of which copies make different texts, each by the order in which it hears of things.

        Raises:
            Unfit: two neighbours stand the wrong way round.
        """
        client, clock = update.written.client, update.written.clock
        together = True
        with kept.doc.transaction() as transaction:
            for nth, place in enumerate(update.places):
                before, after = place.before, place.after
                if nth and after == (client, place.clock - 1) and before == update.places[0].before:
                    continue  # It goes on where the one before it ends.
                if any(each is not None and each[0] == client and each[1] >= clock for each in (before, after)):
                    together = False
                    continue
                begin = 0 if after is None else kept.index_of(after, True, transaction)
                end = len(kept.texts[box]) if before is None else kept.index_of(before, False, transaction)
                # Of deleted units no place tells which of the two comes first.
                if begin > end or (after is not None and after == before):
                    raise Unfit(Rule.UNSTABLE)
                together &= begin == end and not nth
        return together

    def text(self, box: str) -> str:
        return self.texts()[box]

    def texts(self) -> Mapping[str, str]:
        """What stands in each box."""
        if self._texts is None:
            self._texts = {box: str(text) for box, text in self._build().texts.items()}
        return self._texts

    def state(self) -> bytes:
        """All of it as one update. What was deleted is in it as a length only, without its letters."""
        if self._state is None:
            kept = self._build()
            self._state = kept.doc.get_update()
            read = _Copy(self._state)
            if any(read.text(box) != kept.text(box) for box in BOXES):
                # Somebody named neighbours that never were any, and it shows only now. What is read from the disk is
                # what holds: it is the same for everybody who reads it.
                self.mended, self._built, self._trial, self._tried = True, read, None, None
                self._texts = None
        return self._state

    def saved(self) -> bytes:
        """To be given to `Document` later."""
        return msgspec.msgpack.encode(_Saved(self.state(), dict(self.texts())))

    def digests(self) -> Mapping[str, int]:
        """By what two copies at one position can tell that they differ: the CRC-32 of each box's text in UTF-8."""
        return {box: zlib.crc32(text.encode()) for box, text in self.texts().items()}


def _letters(delta: Delta, before: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The passages that `delta` takes out of `before`, and those that it brings."""
    letters, at = before.encode(), 0
    removed: list[str] = []
    added: list[str] = []
    for step in delta:
        if "insert" in step:
            added.append(step["insert"])
            continue
        size = step["retain"] if "retain" in step else step["delete"]
        if "delete" in step:
            removed.append(letters[at : at + size].decode(errors="replace"))
        at += size
    return _passages(removed), _passages(added)


def _passages(texts: Collection[str]) -> tuple[str, ...]:
    return tuple(text for text in texts if is_passage(text))
