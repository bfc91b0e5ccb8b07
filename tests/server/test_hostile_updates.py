"""Hostile updates of the notes: what is let in harms nothing, and what would harm is not let in ([NT3])."""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter

import pytest

from rooms.notes import BOXES
from rooms.updates import Rule, Unfit, read_update
from tests.conftest import Amount
from tests.mutations import TOP
from tests.rooms.made import nested

pytestmark = pytest.mark.timeout(3000)

PARTS = 4
ENDED_EARLY = {Rule.TRUNCATED, Rule.NUMBER, Rule.TOO_LARGE}
"""What does not get past base64 and the reader of numbers."""
SECOND_WALL = {Rule.NOT_APPLIED}
"""What the library itself would not take. Nothing comes that far; if something did, it would be refused, too."""
ANSWERS = {"taken", "already", "gap", "not_your_words"}
KILLS = """
from pycrdt import Doc, Text
from tests.rooms.made import nested
Doc().apply_update(nested(40_000))
"""


@pytest.mark.parametrize("part", range(PARTS))
async def test_whatever_is_sent_the_notes_stay_whole(part: int, amount: Amount) -> None:
    """[NT3]: in a process of its own, so that one that ends it would show."""
    count = amount(100_000, 1_000_000) // PARTS
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.server.hostile_notes", str(part), str(count)),
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()[-3000:]
    said = json.loads(output)
    outcomes = Counter(said["outcomes"])
    assert sum(outcomes.values()) == count
    past = count - sum(outcomes[rule] for rule in ENDED_EARLY)
    print(
        f"{count} updates, {past / count:.0%} past base64 and the numbers, slowest {said['slowest_ms']:.1f} ms, "
        f"largest {said['largest_kb']:.0f} KB, the process {said['grown_kb'] / count:.2f} KB each; "
        f"{said['documents']} documents, poisoned {said['poisoned']}, mended {said['mended']}, otherwise in a browser "
        f"until it was sent the whole {said['healed']}"
    )
    print(", ".join(f"{name} {number}" for name, number in outcomes.most_common()))
    assert past >= 0.7 * count
    for name in {*(set(Rule) - SECOND_WALL), *ANSWERS}:
        assert outcomes[name] >= 100 / PARTS, name
    assert outcomes.keys() <= {*(set(Rule) - SECOND_WALL), *ANSWERS}
    assert said["poisoned"] == 0
    assert said["healed"] <= 0.05 * said["documents"], "the rules are there so that this hardly ever happens"
    assert said["slowest_ms"] < 50
    assert said["largest_kb"] < 1_000 and said["grown_kb"] < 10 * count


async def test_without_the_check_a_process_dies() -> None:
    """What the check is for: a value nested 40,000 deep, of some 80 KB, ends the process that applies it."""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLS, cwd=TOP)
    assert await process.wait() < 0, "ended by a signal"
    print(f"applied without the check: ended by signal {-(process.returncode or 0)}")
    with pytest.raises(Unfit) as unfit:
        read_update(nested(40_000), BOXES)
    assert unfit.value.rule is Rule.CONTENT
