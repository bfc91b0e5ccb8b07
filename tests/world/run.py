"""Play worlds: `python -m tests.world.run FIRST COUNT`. Exit code 1 and a story if a promise was broken.

A process of its own, so that the tests can play worlds in a copy of the product that was broken on purpose, and so
that a seed means the same everywhere: string hashing, which decides the order of sets, is fixed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time

from tests.world.people import Browsers
from tests.world.simulation import Broken, Simulation, play
from tests.world.writers import WritersSimulation


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("first", type=int, help="the first seed")
    options.add_argument("count", type=int, help="how many seeds")
    options.add_argument("--writers", action="store_true", help="people write into the notes")
    options.add_argument("--shorten", action="store_true", help="look for a shorter story of what went wrong")
    arguments = options.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONHASHSEED": "0"})
    started = time.perf_counter()
    events = acknowledged = 0
    kind = WritersSimulation if arguments.writers else Simulation
    with Browsers() as browsers:
        for seed in range(arguments.first, arguments.first + arguments.count):
            try:
                outcome = play(seed, browsers, kind=kind)
            except Broken as broken:
                print(shorter(broken, browsers, kind) if arguments.shorten else broken)
                return 1
            events += outcome.events
            acknowledged += outcome.acknowledged
    took = time.perf_counter() - started
    print(
        f"{arguments.count} seeds from {arguments.first}: {events} events, {acknowledged} commands acknowledged, "
        f"{arguments.count / took:.1f} seeds/s"
    )
    return 0


def shorter(broken: Broken, browsers: Browsers, kind: type[Simulation]) -> Broken:
    """The same seed with fewer steps that still ends badly: pieces are left out, large ones first."""
    size = len(broken.steps) // 2
    while size:
        for start in range(0, len(broken.steps), size):
            fewer = broken.steps[:start] + broken.steps[start + size :]
            try:
                play(broken.seed, browsers, fewer, kind=kind)
            except Broken as still:
                broken = still
                break
        else:
            size //= 2
    return broken


if __name__ == "__main__":
    sys.exit(main())
