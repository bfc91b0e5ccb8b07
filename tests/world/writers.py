"""The notes in a world: people who write in the same boxes at once, on devices that keep what is not sent yet.

Each writes tokens, `<17>`, every one of them unique, at places that are in no token; deletes some of them, takes things
back, brings things back. So it can be told of every token whether it has to be there, once, or may not be.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from rooms import RemoveForGood, Role
from rooms.notes import BOXES, units_of
from tests.world.machines import World
from tests.world.people import Browsers, Person
from tests.world.simulation import MACHINES, ROOM, Act, Scheduler, Simulation

TOKEN = re.compile(r"<\d+>")
# Pairs of them share their first half, others their second one; and a letter with a mark of its own.
MARKS = ("😀", "😁", "🈀", "e\u0301")
WRITERS = (("sam", "sam", Role.SERVICE_USER), ("alex", "alex", Role.WORKER), ("kim", "kim", Role.SERVICE_USER))
TABLET = ("sams-tablet", "sam", Role.SERVICE_USER)
"""Another window of Sam's, on the same device: a tab that was duplicated."""
SECONDS_TO_KEEP = (0.0005, 0.03)
SECONDS_OF_COMPOSING = (0.1, 1.5)
LONG = 14
"""So many tokens are more than the forty units that make a passage."""
HALVES = re.compile("[\ud800-\udfff\ufffd]")


@dataclass
class Device:
    """What a device keeps of words that are not sent: by window, in the order they were kept."""

    rows: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    alive: set[str] = field(default_factory=set)

    def forget(self, ids: Sequence[str]) -> None:
        self.rows = [row for row in self.rows if row[1]["id"] not in ids]

    def left_behind(self, window: str) -> list[dict[str, Any]]:
        """What windows kept that are gone: from now on it is `window`'s."""
        left = [words for whose, words in self.rows if whose not in self.alive]
        self.rows = [(whose if whose in self.alive else window, words) for whose, words in self.rows]
        return left


@dataclass
class Deed:
    """One act of a writer: which tokens came into their text, and which went, and by which pieces it is sent."""

    came: Counter[str]
    went: Counter[str]
    pieces: set[str]


@dataclass
class Memory:
    """All that was done to the notes, and what has come of it as far as their writers were told."""

    deeds: list[Deed] = field(default_factory=list)
    arrived: set[str] = field(default_factory=set)
    """Pieces that were acknowledged."""
    lost: set[str] = field(default_factory=set)
    """Pieces that were not on the device yet when their window was killed, or whose writer left."""
    offered: list[str] = field(default_factory=list)
    """What writers were given back."""
    tokens: int = 0

    def new_token(self) -> str:
        self.tokens += 1
        return f"<{self.tokens}>"

    def compare(self, text: str) -> Iterator[str]:
        """What is wrong with the words that are left in the end."""
        there = Counter(TOKEN.findall(text))
        offered = Counter(TOKEN.findall(" ".join(self.offered)))
        for nth in range(1, self.tokens + 1):
            yield from self._compare(f"<{nth}>", there[f"<{nth}>"], offered)

    def _compare(self, token: str, count: int, offered: Counter[str]) -> Iterator[str]:
        came = [deed for deed in self.deeds if deed.came[token]]
        went = [deed for deed in self.deeds if deed.went[token]]
        if not came:
            return
        again = len(came) - 1
        if count > 1 + again:
            yield f"{token} is there {count} times"
        if count and any(deed.pieces <= self.arrived for deed in went) and not again:
            yield f"{token} was deleted, and is there"
        if count or went:
            return
        if came[0].pieces <= self.arrived:
            yield f"{token} was acknowledged and never deleted, and is not there"
        elif not offered[token] and not came[0].pieces & self.lost:
            yield f"{token} is gone, and nobody was told"


class Writer(Person):
    """Somebody who writes. Their window may be killed, and another one opened on the same device."""

    def __init__(
        self, name: str, participant: str, role: Role, world: World, browsers: Browsers, device: Device, memory: Memory
    ) -> None:
        self.device = device
        self.memory = memory
        self._chance = world.chance(f"writer {name}")
        self._on_the_way: list[dict[str, Any]] = []
        """What is being kept on the device."""
        self._forgotten: set[str] = set()
        self._kept_at = 0.0
        self.composing: str | None = None
        self.open = False
        self.spoiled = False
        """Whether something in between ever broke a command."""
        super().__init__(name, role, world, browsers, ROOM, participant)

    # --- windows ---

    def load_page(self) -> None:
        self.kill()
        super().load_page()
        self.open = True
        self.device.alive.add(self.window.id)
        self.look_for_left()

    def kill(self) -> None:
        """`kill -9` of the browser: what was not on the device yet is gone."""
        if not self.open:
            return
        self.drop()
        self.memory.lost |= {words["id"] for words in self._on_the_way}
        self._on_the_way, self.composing, self.open = [], None, False
        self.device.alive.discard(self.window.id)

    def look_for_left(self) -> None:
        """Take over what windows of this device left behind that are gone."""
        left = self.device.left_behind(self.window.id) if self.open else []
        if left:
            self._call("take_over", _json(left))

    @property
    def over(self) -> bool:
        return super().over or not self.open

    # --- writing ---

    def texts(self) -> Mapping[str, str]:
        texts: Mapping[str, str] = self._call("texts")["texts"]
        return texts

    def types(self, box: str, place: int, count: int, mark: int) -> None:
        """Tokens at a place (in thousandths of the text) that is in none."""
        self._change(box, lambda text: _typed(text, place, self.memory, count, MARKS[mark % len(MARKS)] * (mark < 8)))

    def deletes(self, box: str, place: int, count: int) -> None:
        """Some tokens from a place on, at once."""
        self._change(box, lambda text: _deleted(text, place, count))

    def swaps(self, box: str, nth: int, mark: int) -> None:
        """One mark for another, as a keyboard that corrects."""
        self._change(box, lambda text: _swapped(text, nth, MARKS[mark]))

    def _change(self, box: str, how: Any) -> None:
        if self.over or box == self.composing:
            return
        before = self.texts()[box]
        after, caret = how(before)
        if after != before:
            self._does("type", before, box, after, units_of(after[:caret]))

    def steps(self, box: str, what: str) -> None:
        """Undo or redo."""
        if not self.over and self.composing is None:
            self._does(what, self.texts()[box], box)

    def brings_back(self) -> None:
        if self.over or self.view is None or not self.view.passages or self.composing is not None:
            return
        self._does("bring_back", self.texts()[self.view.passages[0].box])

    def removes_for_good(self) -> None:
        if self.view is not None and self.view.passages:
            self.submit(RemoveForGood(self.view.passages[0].id))

    def composes(self, box: str, place: int) -> None:
        """An input method is at work in a box for a while: what it makes comes at its end."""
        if self.over or self.composing is not None:
            return
        before = self.texts()[box]
        self.composing = box
        self._call("hold", _json(box))
        window = self.window.id
        self._world.loop.call_later(
            self._chance.uniform(*SECONDS_OF_COMPOSING), lambda: self._composed(window, box, before, place)
        )

    def _composed(self, window: str, box: str, before: str, place: int) -> None:
        if not self.open or self.window.id != window or self.composing is None:
            return
        self.composing = None
        now = self.texts()[box]
        if now == before and not self.over:
            after, caret = _typed(before, place, self.memory, 1, "")
            self._does("type", before, box, after, units_of(after[:caret]))
        self._call("release")

    def _does(self, call: str, before: str, *args: object) -> None:
        reply = self._call(call, ",".join(_json(each) for each in args))
        if "text" not in reply:
            return
        was, now = Counter(TOKEN.findall(before)), Counter(TOKEN.findall(reply["text"]))
        self.memory.deeds.append(Deed(now - was, was - now, {words["id"] for words in reply["keep"]}))

    # --- what comes of it ---

    def _note(self, reply: Any) -> None:
        if not self.open and reply["keep"]:
            raise AssertionError("a window that is gone writes")
        for words in reply["keep"]:
            self._keep(words)
        denied = any(
            notice["kind"] == "refused" and notice["command"]["type"] == "write" for notice in reply["notices"]
        )
        if not self.spoiled and any(notice.get("code") == "malformed" for notice in reply["notices"]):
            self._world.ledger.broken(f"{self.id} sent what no honest window sends")
        gave_up = denied or bool(reply["refused"]) or reply["state"] in ("left", "removed", "ended")
        if reply["forget"]:
            self.device.forget(reply["forget"])
            self._forgotten |= set(reply["forget"])
            (self.memory.lost if gave_up else self.memory.arrived).update(reply["forget"])
        self.memory.offered += [refused["text"] for refused in reply["refused"]]
        super()._note(reply)

    def _keep(self, words: dict[str, Any]) -> None:
        """On the device after a moment, one after the other; then it may be sent."""
        self._on_the_way.append(words)
        now = self._world.loop.now
        self._kept_at = max(self._kept_at, now + self._chance.uniform(*SECONDS_TO_KEEP))
        self._world.loop.call_at(self._kept_at, partial(self._is_kept, self.window.id, words))

    def _is_kept(self, window: str, words: dict[str, Any]) -> None:
        if self.open and self.window.id == window and words in self._on_the_way:
            self._on_the_way.remove(words)
            if words["id"] not in self._forgotten:  # While it was being kept: the device does one after the other.
                self.device.rows.append((window, words))
            self._call("kept", _json([words["id"]]))


class WritersSimulation(Simulation):
    """Two to four windows in which is written. Their number, and how much they may write, depend on the seed."""

    def _make_people(self, browsers: Browsers) -> Mapping[str, Writer]:
        chance = self.world.chance("writers")
        self.memory = Memory()
        several = [*WRITERS[: chance.randint(2, 3)], *([TABLET] if chance.random() < 0.5 else [])]
        devices = {participant: Device() for _, participant, _ in several}
        self.writers: dict[str, Writer] = {
            name: Writer(name, participant, role, self.world, browsers, devices[participant], self.memory)
            for name, participant, role in several
        }
        self._acts |= {
            "type": lambda who, *about: self.writers[who].types(*about),
            "delete": lambda who, *about: self.writers[who].deletes(*about),
            "swap": lambda who, *about: self.writers[who].swaps(*about),
            "step": lambda who, *about: self.writers[who].steps(*about),
            "compose": lambda who, *about: self.writers[who].composes(*about),
            "bring_back": lambda who: self.writers[who].brings_back(),
            "remove_for_good": lambda who: self.writers[who].removes_for_good(),
            "kill": lambda who: self.writers[who].kill(),
            "spoil": self._spoil,
        }
        return self.writers

    def _scheduler(self) -> Scheduler:
        return WritersScheduler(self)

    def _spoil(self, who: str, how: str) -> None:
        writer = self.writers[who]
        writer.spoiled |= how == "broken"
        if writer.wire is not None:
            writer.wire.spoil(how)

    def _reconnect(self) -> None:
        if self._healing:
            for writer in self.writers.values():
                if not writer.open:
                    writer.load_page()
                writer.look_for_left()
        super()._reconnect()

    async def _check(self) -> None:
        """All copies are the same, and every token is where it has to be."""
        await super()._check()
        words = self.ledger.words()
        if any(HALVES.search(text) for text in words.texts().values()):
            self.ledger.broken("a letter was cut in two")
        for machine in self.machines.values():
            reading = await machine.hub.read(ROOM)
            if reading is None or reading.texts != words.texts():
                self.ledger.broken(f"{machine.name} has other words than the log")
        for writer in self.writers.values():
            if writer.over:
                continue
            if writer.texts() != words.texts():
                self.ledger.broken(f"{writer.id} sees other words than the log has")
            if writer.unsent or any(whose == writer.window.id for whose, _ in writer.device.rows):
                self.ledger.broken(f"{writer.id} has words that were not sent")
        if any(not writer.over for writer in self.writers.values()):
            for problem in self.memory.compare(" ".join(words.texts().values())):
                self.ledger.broken(problem)


class WritersScheduler(Scheduler):
    """Mostly people who write."""

    def _people(self) -> list[Act]:
        assert isinstance(self._simulation, WritersSimulation)
        chance = self._chance
        who = chance.choice(list(self._simulation.writers))
        writer = self._simulation.writers[who]
        if not writer.open:
            return [("reload", who)]
        machine = chance.choice(MACHINES)
        box = BOXES[0] if chance.random() < 0.8 else chance.choice(BOXES)
        place, mark = chance.randint(0, 1000), chance.randrange(16)
        types: Act = ("type", who, box, place, 1, mark)
        if writer.wire is None:
            connect: Act = ("connect", who, machine)
            return [connect, connect, types, types, ("delete", who, box, place, 1), ("reload", who), ("kill", who)]
        if chance.random() < 0.004:
            return [("leave", who), ("end", who)] if writer.role is Role.WORKER else [("leave", who)]
        if chance.random() < 0.03:
            return [("spoil", who, how) for how in ("twice", "late", "broken")]
        return [
            *[types] * 6,
            ("type", who, box, place, LONG, mark),
            ("delete", who, box, place, chance.randint(1, 3)),
            ("delete", who, box, place, LONG),
            ("swap", who, box, chance.randrange(99), chance.randrange(3)),
            ("step", who, box, "undo"),
            ("step", who, box, "undo"),
            ("step", who, box, "redo"),
            ("compose", who, box, place),
            ("bring_back", who),
            *([("remove_for_good", who)] if chance.random() < 0.2 else []),
            ("drop", who),
            *([("lose", who), ("reload", who), ("kill", who)] if chance.random() < 0.5 else []),
        ]


def _places(text: str) -> list[int]:
    """Where something can stand without being in a token, or between a letter and its mark."""
    taken = {at for found in TOKEN.finditer(text) for at in range(found.start() + 1, found.end())}
    return [at for at in range(len(text) + 1) if at not in taken and text[at : at + 1] != "\u0301"]


def _typed(text: str, place: int, memory: Memory, count: int, mark: str) -> tuple[str, int]:
    places = _places(text)
    at = places[place * (len(places) - 1) // 1000]
    words = "".join(memory.new_token() + mark for _ in range(count))
    return text[:at] + words + text[at:], at + len(words)


def _deleted(text: str, place: int, count: int) -> tuple[str, int]:
    found = list(TOKEN.finditer(text))
    if not found:
        return text, 0
    first = place * (len(found) - 1) // 1000
    last = found[min(first + count, len(found)) - 1]
    return text[: found[first].start()] + text[last.end() :], found[first].start()


def _swapped(text: str, nth: int, mark: str) -> tuple[str, int]:
    marks = [at for at, letter in enumerate(text) if letter in MARKS]
    if not marks:
        return text, 0
    at = marks[nth % len(marks)]
    return text[:at] + mark + text[at + 1 :], at + len(mark)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
