"""Updates of the notes that are meant to break something, by the way that they take in the product.

`python -m tests.server.hostile_notes SEED COUNT` tries them in a process of its own, so that one that ends the process
shows, and prints what came of them as JSON.
"""

from __future__ import annotations

import base64
import gc
import json
import resource
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from rooms import Actor, Already, Document, FromClock, Refusal, Role, Stamp, Write, decide, wire
from rooms.limits import CLIENT_ID_MAX, CLOCK_MAX, NOTES_UPDATE_BYTES, RANGES_PER_UPDATE, STRUCTS_PER_UPDATE
from rooms.notes import BOXES
from rooms.updates import Rule, Unfit, number
from tests.rooms.made import Id, deletion, gone, letters, nested, ranges, struct, text, update
from tests.rooms.pens import Pen
from tests.rooms.story import NOON, Story, sam_and_alex

CLIENT = Path(__file__).parents[2] / "client_templates"
RENEWED_AFTER = 1_000
MEASURED = 40
"""Of so many one is looked at for the memory that it takes: that is slow."""

COMPARE = """
import * as Y from "yjs";
let input = "";
for await (const piece of process.stdin) input += piece;
const boxes = %s;
const found = JSON.parse(input).map((updates) => {
  const doc = new Y.Doc();
  for (const update of updates) Y.applyUpdate(doc, Buffer.from(update, "base64"));
  return { texts: boxes.map((box) => doc.getText(box).toString()), waits: doc.store.pendingStructs !== null };
});
console.log(JSON.stringify(found));
"""


class Target:
    """Notes in which three people have written, and what has been let into them."""

    def __init__(self, chance: Random) -> None:
        self.story: Story = sam_and_alex()
        self.story.joins("kim", "Kim", Role.WORKER)
        self.updates: list[bytes] = []
        self.people = {"sam": 7, "alex": 8, "kim": 9}
        self.sent = self.mended = 0
        pens = {who: Pen("looked", client) for who, client in self.people.items()}
        for nth in range(12):
            who = ("sam", "alex", "kim")[nth % 3]
            words = chance.choice(["We went out. ", "It rained 🌧️ and then 😀 stopped. ", "שלום "])
            data = pens[who].types(words) if nth < 9 else pens[who].deletes(0, 3)
            assert isinstance(self.takes(who, "looked", data), tuple)
            for pen in pens.values():
                pen.hears(data)
        self.honest = list(self.updates)
        self.tries(Pen("felt", 21).types("Other 😀 words in another box. "), "sam", "felt")

    def tries(self, data: bytes, who: str, box: str = "looked") -> None:
        assert isinstance(self.takes(who, box, data), tuple)

    def takes(self, who: str, box: str, data: bytes) -> Any:
        """As the product does it: from the packet's base64 on."""
        self.sent += 1
        asked = {"type": "write", "box": box, "update": base64.b64encode(data).decode()}
        submission = wire.parse_submission({"number": self.sent, "command": asked})
        assert isinstance(submission.command, Write)
        stamp = Stamp(f"window-of-{who}", self.sent)
        decision = decide(self.story.room, Actor(who, stamp), submission.command, NOON, self.story.words)
        if isinstance(decision, tuple):
            self.story.folds(decision, stamp)
            self.updates.append(data)
        return decision

    def next(self, client: int) -> int:
        return self.story.words.next_of(client)


Maker = Callable[[Random, Target], bytes]


def known(r: Random, t: Target) -> Id:
    """The id of a unit that is there."""
    client = r.choice([*t.people.values(), 21])
    return client, r.randrange(t.next(client))


def mine(r: Random, t: Target) -> tuple[int, int]:
    client = r.choice(list(t.people.values()))
    return client, t.next(client)


def new(r: Random) -> int:
    return r.randrange(100, CLIENT_ID_MAX)


def word(r: Random) -> str:
    return r.choice(["a", "bc", "😀", "🈀x", "e\u0301", "\u202e", "x" * r.randrange(1, 200), "\n"])


def under_own(r: Random, t: Target, *structs: bytes) -> bytes:
    client, clock = mine(r, t)
    return update(client, clock, *structs)


def after(r: Random, t: Target, *structs: bytes, **more: Any) -> bytes:
    """Under an id of somebody's, from the clock that is expected; or under a new one."""
    client, clock = mine(r, t) if r.random() < 0.7 else (new(r), 0)
    return update(client, clock, *structs, **more)


AIMED: dict[str, tuple[Maker, ...]] = {
    Rule.TOO_LARGE: (lambda r, t: after(r, t, letters("x" * (NOTES_UPDATE_BYTES - r.randrange(9)), known(r, t))),),
    Rule.TRUNCATED: (lambda r, t: after(r, t, letters("hello", known(r, t)))[: r.randrange(1, 9)],),
    Rule.NUMBER: (
        lambda r, t: update(CLIENT_ID_MAX + r.randrange(1, 99), 0, letters("x")),
        lambda r, t: update(0, 0, letters("x")),
        lambda r, t: number(1) + number(1) + b"\xff" * r.randrange(8, 40),
    ),
    Rule.TRAILING: (lambda r, t: after(r, t, letters("x", known(r, t)), more=r.randbytes(r.randrange(1, 20))),),
    Rule.EMPTY: (lambda r, t: b"\x00\x00", lambda r, t: b"\x80\x00\x00", lambda r, t: b"\x00\x80\x80\x00"),
    Rule.TWO_WRITERS: (lambda r, t: number(r.randrange(2, 99)) + under_own(r, t, letters("x", known(r, t)))[1:],),
    Rule.TOO_MANY_PARTS: (
        lambda r, t: number(1) + number(STRUCTS_PER_UPDATE + r.randrange(1, 2**20)) + number(new(r)) + number(0),
        lambda r, t: number(1) + number(0) + number(new(r)) + number(0) + ranges(),
    ),
    Rule.CONTENT: (
        lambda r, t: after(r, t, struct(text("x"), r.choice([2, 3, 5, 6, 7, 8, 9, 10, 11, 13, 31]), known(r, t))),
        lambda r, t: nested(r.randrange(1, 40_000)),
        lambda r, t: after(r, t, struct(number(r.randrange(1, 2**30)), 10)),
        lambda r, t: after(r, t, struct(number(2) + b"\x76\x01" + text("k") + b"\x77" + text("v"), 8, known(r, t))),
    ),
    Rule.ROOT: (
        lambda r, t: after(r, t, letters("x", root=r.choice(["", "x", "Looked", "looked ", "__proto__", "l" * 999]))),
        lambda r, t: after(r, t, b"\x24\x01" + text("looked") + text("k") + text("x")),
        lambda r, t: after(r, t, b"\x04\x00" + number(7) + number(0) + text("x")),
        lambda r, t: after(r, t, b"\xa4" + number(7) + number(0) + text("x")),
    ),
    Rule.LENGTH: (
        lambda r, t: after(r, t, letters("", known(r, t))),
        lambda r, t: after(r, t, gone(r.choice([0, NOTES_UPDATE_BYTES + 1, 2**31 - 1]), known(r, t))),
        lambda r, t: update(new(r), CLOCK_MAX - r.randrange(3), letters("xxxxx")),
    ),
    Rule.NOT_UTF8: (
        lambda r, t: after(r, t, letters(r.choice([b"\xff", b"\xed\xa0\xbd", b"\xc3", b"\xf5\x80\x80\x80", b"a\x80"]))),
    ),
    Rule.CONTROL: (lambda r, t: after(r, t, letters("a" + r.choice("\0\r\x07\x1b\x7f\x0b") + "b", known(r, t))),),
    Rule.RANGES: (
        lambda r, t: deletion({7: [(3, 2), (r.randrange(5), 1)]}),
        lambda r, t: deletion({7: []}),
        lambda r, t: deletion({7: [(0, 0)]}),
        lambda r, t: number(0) + number(RANGES_PER_UPDATE + r.randrange(1, 2**31)),
        lambda r, t: number(0) + number(1) + number(7) + number(RANGES_PER_UPDATE + 1) + b"\x00\x01" * 9,
    ),
    Rule.UNKNOWN_ORIGIN: (
        lambda r, t: update(new(r), 0, letters("x", (new(r), r.randrange(9)))),
        lambda r, t: update(new(r), 0, letters("x", (7, t.next(7) + r.randrange(99)))),
        lambda r, t: update(300, 5, letters("x", (300, 5 + r.randrange(9)))),
        lambda r, t: update(new(r), 0, letters("x", known(r, t), (8, t.next(8)))),
    ),
    Rule.UNKNOWN_DELETED: (
        lambda r, t: deletion({new(r): [(0, 1)]}),
        lambda r, t: deletion({7: [(0, t.next(7) + r.randrange(1, 2**20))]}),
        lambda r, t: after(r, t, letters("x", known(r, t)), deleted={9: [(t.next(9), CLOCK_MAX)]}),
    ),
    Rule.SPLIT_LETTER: (
        lambda r, t: after(r, t, letters("x", (21, 6))),
        lambda r, t: after(r, t, letters("x", None, (21, 7))),
        lambda r, t: deletion({21: [(7, 1)]}),
        lambda r, t: (lambda c: update(c, 0, letters("😀"), letters("x", (c, 0))))(new(r)),
    ),
    Rule.OTHER_BOX: (
        lambda r, t: after(r, t, letters("x", root=r.choice(["felt", "next"]))),
        lambda r, t: update(new(r), 0, letters("x", (21, 0))),
        lambda r, t: deletion({21: [(0, 1)]}),
    ),
    "not_your_words": (lambda r, t: update(7, t.next(7), letters("x", known(r, t))),),
    "gap": (lambda r, t: update(r.choice([8, new(r)]), r.randrange(10**6, 2 * 10**6), letters("x", known(r, t))),),
    "already": (lambda r, t: r.choice(t.honest),),
    "taken": (
        lambda r, t: after(r, t, letters(word(r), known(r, t))),
        lambda r, t: after(r, t, letters(word(r), None, known(r, t))),
        lambda r, t: after(r, t, gone(r.randrange(1, 99), known(r, t))),
        lambda r, t: after(r, t, letters("x", known(r, t)), deleted={7: [(0, r.randrange(1, 5))]}),
    ),
    Rule.UNSTABLE: (
        # Neighbours that never were any: in the wrong order, or in two boxes.
        lambda r, t: after(r, t, letters(word(r), known(r, t), known(r, t))),
        lambda r, t: after(r, t, letters(word(r), (7, r.randrange(5, 9)), (21, r.randrange(5)))),
        lambda r, t: after(r, t, *[letters(word(r), known(r, t), known(r, t)) for _ in range(r.randrange(1, 9))]),
    ),
    "storm": (
        # Many at one place, each with another neighbour behind it: what is slowest to put in order.
        lambda r, t: (
            after(r, t, *[letters("x", (7, 2), known(r, t)) for _ in range(STRUCTS_PER_UPDATE)])
            if r.random() < 0.02
            else after(r, t, *[letters("x", (7, 2), known(r, t)) for _ in range(40)])
        ),
    ),
}


def mutated(r: Random, t: Target) -> bytes:
    """An honest update, changed a little: mostly where numbers stay numbers."""
    data = bytearray(r.choice(t.honest))
    if r.random() < 0.5:
        client, clock = mine(r, t)
        data = bytearray(
            update(client, clock, letters(word(r), known(r, t)), letters(word(r), known(r, t), known(r, t)))
        )
    for _ in range(r.randrange(1, 4)):
        at = r.randrange(len(data))
        kind = r.random()
        if kind < 0.7:
            data[at] = (data[at] & 0x80) | r.randrange(128)  # As long a number as before.
        elif kind < 0.85:
            data[at] ^= 1 << r.randrange(8)
        elif kind < 0.93:
            data[at:at] = r.choice(t.honest)[: r.randrange(1, 20)]
        else:
            del data[at:]
            data.append(0)
    return bytes(data)


def outcome_of(decision: Any, rules: list[Rule]) -> str:
    match decision:
        case Refusal(code="malformed"):
            return rules[-1] if rules else "malformed"
        case Refusal(code=code):
            return str(code)
        case FromClock():
            return rules[-1] if rules else "gap"
        case Already():
            return "already"
    return "taken"


def attack(seed: int, count: int) -> dict[str, Any]:
    """Try `count` of them. What came of them, by rule or answer; and how long and how large the worst were."""
    chance = Random(seed)
    rules: list[Rule] = []
    remember(rules)
    outcomes: Counter[str] = Counter()
    slowest, largest, poisoned = 0.0, 0, 0
    finished: list[Target] = []
    target = Target(chance)
    begin = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    aims = list(AIMED)
    gc.disable()  # What it takes is nobody's update's.
    for nth in range(count):
        if nth % RENEWED_AFTER == RENEWED_AFTER - 1:
            finished.append(target)
            target = Target(chance)
            gc.collect()
        data = (
            mutated(chance, target)
            if chance.random() < 0.35
            else chance.choice(AIMED[chance.choice(aims)])(chance, target)
        )
        who = chance.choice(("alex", "kim"))
        measured = nth % MEASURED == 0
        if measured:
            tracemalloc.start()
        rules.clear()
        began = time.thread_time()
        decision = target.takes(who, "looked", data) if len(data) <= NOTES_UPDATE_BYTES else refused(target, who, data)
        slowest = max(slowest, time.thread_time() - began)
        if measured:
            largest = max(largest, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        outcomes[outcome_of(decision, rules)] += 1
        if isinstance(decision, tuple):
            poisoned += not whole(target)
    finished.append(target)
    # By their digests windows find out within seconds, and are sent the whole ([NT9]).
    differ = otherwise(finished, [each.updates for each in finished])
    for_good = otherwise(differ, [[each.story.words.state()] for each in differ])
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - begin
    return {
        "outcomes": outcomes,
        "slowest_ms": slowest * 1e3,
        "largest_kb": largest / 1e3,
        "grown_kb": grown,
        "poisoned": poisoned + len(for_good),
        "healed": len(differ) - len(for_good),
        "mended": sum(each.mended for each in finished),
        "documents": len(finished),
    }


def refused(target: Target, who: str, data: bytes) -> Any:
    """The wire's own limit comes first; the rules have it, too."""
    try:
        target.takes(who, "looked", data)
    except wire.WireError:
        pass
    else:
        raise AssertionError("too long, and let in")
    return decide(target.story.room, Actor(who, Stamp("w", 1)), Write("looked", data), NOON, target.story.words)


def remember(rules: list[Rule]) -> None:
    """Note every rule that is broken."""
    init = Unfit.__init__

    def noting(self: Unfit, rule: Rule, missing: int | None = None) -> None:
        rules.append(rule)
        init(self, rule, missing)

    Unfit.__init__ = noting  # type: ignore[method-assign]  # for this process alone


def whole(target: Target) -> bool:
    """Nothing waits for more, and what would be saved reads as it is shown: if need be, after it was mended."""
    words, session = target.story.words, target.story.room.session
    assert session is not None
    state = words.state()
    if words.mended:  # All windows are sent the whole.
        words.mended, target.updates = False, [state]
        target.mended += 1
    known = all(words.next_of(client) == writer.next for client, writer in session.notes.writers.items())
    return known and Document(words.saved()).texts() == words.texts()


def otherwise(targets: list[Target], updates: list[list[bytes]]) -> list[Target]:
    """In which documents a browser that is given these updates sees other texts than the server."""
    asked = json.dumps([[base64.b64encode(each).decode() for each in theirs] for theirs in updates])
    script = COMPARE % json.dumps(BOXES)
    run = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        cwd=CLIENT,
        input=asked,
        capture_output=True,
        text=True,
        check=True,
    )
    browsers = json.loads(run.stdout)
    return [
        target
        for target, browser in zip(targets, browsers, strict=True)
        if browser["waits"] or browser["texts"] != [target.story.words.text(box) for box in BOXES]
    ]


if __name__ == "__main__":
    json.dump(attack(int(sys.argv[1]), int(sys.argv[2])), sys.stdout)
