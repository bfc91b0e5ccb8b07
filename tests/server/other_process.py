"""A second process on a database: `python -m tests.server.other_process <what> <folder>`."""

from __future__ import annotations

import asyncio
import resource
import signal
import sys
from pathlib import Path

from server.ports import StoreUnavailable
from server.store.opening import open_sqlite
from server.store.problems import StoreProblem
from tests.contracts.diary import Diary, new_id, turned


async def append_until_killed(folder: Path) -> None:
    """Says `room epoch`, and then each tail once its event has been acknowledged."""
    async with open_sqlite(folder / "copage.db", folder / "key", new_id, say) as house:
        diary = await Diary.new(house.store)
        say(f"{diary.room} {diary.epoch}")
        while True:
            await diary.write(turned("people"))
            say(diary.head.tail)


async def write_to_a_disk_that_breaks(folder: Path) -> None:
    """Says what the database said about it, and what became of two appends."""
    async with open_sqlite(folder / "copage.db", folder / "key", new_id, say) as house:
        diary = await Diary.new(house.store)
        # The operating system refuses every byte beyond this size, with an error that is not "disk full".
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        size = (folder / "copage.db-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
        for _ in range(2):
            try:
                await diary.write(turned("people"))
                say("written")
            except StoreUnavailable:
                say("unavailable")


async def just_open(folder: Path) -> None:
    try:
        async with open_sqlite(folder / "copage.db", folder / "key", new_id, say):
            say("opened")
    except StoreProblem as problem:
        say(f"{type(problem).__name__}: {problem}")


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    what = {
        "append": append_until_killed,
        "break": write_to_a_disk_that_breaks,
        "open": just_open,
    }
    asyncio.run(what[sys.argv[1]](Path(sys.argv[2])))
