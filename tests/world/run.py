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
from tests.world.simulation import Broken, play


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("first", type=int, help="the first seed")
    options.add_argument("count", type=int, help="how many seeds")
    arguments = options.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        os.execve(sys.executable, sys.orig_argv, {**os.environ, "PYTHONHASHSEED": "0"})
    started = time.perf_counter()
    events = acknowledged = 0
    with Browsers() as browsers:
        for seed in range(arguments.first, arguments.first + arguments.count):
            try:
                outcome = play(seed, browsers)
            except Broken as broken:
                print(broken)
                return 1
            events += outcome.events
            acknowledged += outcome.acknowledged
    took = time.perf_counter() - started
    print(
        f"{arguments.count} seeds from {arguments.first}: {events} events, {acknowledged} commands acknowledged, "
        f"{arguments.count / took:.1f} seeds/s"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
