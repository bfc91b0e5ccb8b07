"""Three hubs, four clients and all the trouble there is, seed by seed; and the proof that these checks can fail."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.conftest import Amount
from tests.mutations import TOP, copy_of_the_tree, mutate
from tests.world.people import Browsers
from tests.world.simulation import play
from tests.world.writers import WritersSimulation

pytestmark = pytest.mark.timeout(900)

PARTS = 8
"""The seeds are played in parts, so that the test processes can share them."""
CAUGHT_WITHIN = 500
KEPT = Path(__file__).with_name("seeds.txt")


async def worlds(tree: Path, first: int, count: int, *options: str) -> tuple[bool, str]:
    """Play seeds in a process of its own; whether every promise was kept, and what it printed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.world.run", str(first), str(count), *options),
        cwd=tree,
        env={**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    said = output.decode()
    assert process.returncode in (0, 1) and "Traceback" not in said, said
    return process.returncode == 0, said


@pytest.mark.parametrize("part", range(PARTS))
async def test_every_replica_and_client_ends_where_the_log_ends(part: int, amount: Amount) -> None:
    """[OR1] [OR3] [WN3]: and each acknowledged command is in the log once, in order; no number goes back."""
    count = amount(200, 2_000) // PARTS
    kept, said = await worlds(TOP, part * count, count, "--shorten")
    assert kept, said
    print(said.strip())


async def test_seeds_that_once_found_something_stay_found() -> None:
    seeds = [int(line.split()[0]) for line in KEPT.read_text().splitlines() if line and not line.startswith("#")]
    for seed in seeds:
        kept, said = await worlds(TOP, seed, 1)
        assert kept, said


def test_a_seed_means_the_same_every_time_and_its_steps_can_be_played_again() -> None:
    with Browsers() as browsers:
        once, twice = play(7, browsers, length=100), play(7, browsers, length=100)
        again = play(7, browsers, steps=once.steps)
    assert once.log == twice.log == again.log
    assert once.steps == twice.steps


BROKEN = {
    "compare-and-append": ("server/store/memory.py", "if kept.head != after:", "if kept.head.epoch != after.epoch:"),
    "the gap check, of a window that is ahead": (
        "server/open_room.py",
        "message.position.seq > self.room.seq:",
        "message.position.seq < 0:",
    ),
    "the gap check, of a room that is ahead": (
        "server/open_room.py",
        "return position.seq > room.seq or (position.seq == room.seq and position.tail != room.tail)",
        "return False",
    ),
    "the gap check, of a page that missed something": (
        "client_templates/src/room.ts",
        "if (frame.seq > seq + 1) return GAP;",
        "",
    ),
    "the head poll": (
        "server/hub.py",
        "await self._clock.sleep(HEAD_POLL)\n            await self._ask_heads()",
        "await self._clock.sleep(HEAD_POLL)",
    ),
    "the goodbye of who is put out": (
        "server/open_room.py",
        "elif isinstance(recorded.event, ParticipantRemoved | DeviceRemoved):",
        "elif isinstance(recorded.event, DeviceRemoved):",
    ),
    "the goodbye of a device that is put out": (
        "server/open_room.py",
        "elif isinstance(recorded.event, ParticipantRemoved | DeviceRemoved):",
        "elif isinstance(recorded.event, ParticipantRemoved):",
    ),
    "the order of being put out and being told": (
        "server/open_room.py",
        "                self._tell(viewers, untold[:-1])\n                untold = untold[-1:]\n",
        "                self._tell(viewers, untold)\n                untold = []\n",
    ),
    "the de-duplication": ("rooms/decide.py", "if before is not None:", "if isinstance(before, Refusal):"),
}


@pytest.mark.parametrize("part", BROKEN)
async def test_without_it_a_seed_ends_badly(part: str, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    mutate(tree, *BROKEN[part])
    kept, said = await worlds(tree, 0, CAUGHT_WITHIN)
    assert not kept, f"{CAUGHT_WITHIN} seeds did not miss {part}"
    found = re.search(r"seed (\d+), after (\d+) steps:\n *(.*)", said)
    assert found is not None, said
    print(f"without {part}: caught by seed {found[1]} ({found[3][:90]})")


# --- the notes ---


@pytest.mark.parametrize("part", range(PARTS // 2))
async def test_whoever_writes_at_once_no_word_is_lost_or_doubled(part: int, amount: Amount) -> None:
    """[NT2] [NT4] [NT5] [NT9]: at the end all copies are the same, and every word is where it has to be."""
    count = amount(100, 1_000) // (PARTS // 2)
    kept, said = await worlds(TOP, part * count, count, "--writers", "--shorten")
    assert kept, said
    print(said.strip())


def test_a_seed_of_writers_means_the_same_every_time() -> None:
    with Browsers() as browsers:
        once, twice = [play(7, browsers, length=100, kind=WritersSimulation) for _ in range(2)]
        again = play(7, browsers, steps=once.steps, kind=WritersSimulation)
    assert once.log == twice.log == again.log


NOTES_CAUGHT_WITHIN = 100
NOTES_BROKEN: Mapping[str, Sequence[tuple[str, str, str]]] = {
    "an id of one's own for each window": [
        ("client_templates/src/notes.ts", "const drawn = this.draw();", "const drawn = 7;"),
        ("client_templates/src/notes.ts", "if (drawn && !this.has(drawn)) return drawn;", "return drawn;"),
        ("rooms/decide.py", "if owner_of(notes, written.client) != by:", "if False:"),
        ("rooms/decide.py", "if writer is None or (writer.window != window and not taken_over):", "if False:"),
    ],
    "what was acknowledged": [
        (
            "server/open_room.py",
            "                self.words.keep(update)\n",
            "                if self.room.seq % 9:\n                    self.words.keep(update)\n",
        )
    ],
    "letters of two units whole": [
        (
            "client_templates/src/diff.ts",
            "return isFirstHalf(text.charCodeAt(at - 1)) && isSecondHalf(text.charCodeAt(at));",
            "return false;",
        )
    ],
    "the order of the clocks": [
        ("rooms/decide.py", "return written if written.clock == known else FromClock(known)", "return written")
    ],
    "a deletion that comes with known words": [
        (
            "rooms/decide.py",
            "        if not isinstance(new, Range):\n",
            "        if new == NOTHING_NEW and update.written.length:\n            return Already()\n"
            "        if not isinstance(new, Range):\n",
        )
    ],
    "what another window left behind": [
        ("client_templates/src/writing.ts", "this.waiting = [...words, ...this.waiting];", "")
    ],
}


@pytest.mark.parametrize("part", NOTES_BROKEN)
async def test_without_it_a_word_ends_badly(part: str, tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path / "tree")
    for mutation in NOTES_BROKEN[part]:
        mutate(tree, *mutation)
    kept, said = await worlds(tree, 0, NOTES_CAUGHT_WITHIN, "--writers")
    assert not kept, f"{NOTES_CAUGHT_WITHIN} seeds did not miss {part}"
    found = re.search(r"seed (\d+), after (\d+) steps:\n *(.*)", said)
    assert found is not None, said
    print(f"without {part}: caught by seed {found[1]} ({found[3][:90]})")
