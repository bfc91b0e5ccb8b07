"""Three hubs, four clients and all the trouble there is, seed by seed; and the proof that these checks can fail."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.conftest import Amount
from tests.mutations import TOP, copy_of_the_tree, mutate
from tests.world.people import Browsers
from tests.world.simulation import play

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
