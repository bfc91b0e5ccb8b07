"""The notes beside two known servers for shared text, in one run: what an edit costs, and how soon it is acknowledged.

Copage acknowledges what is on disk, the others what they have in memory. Absolute times mean nothing on another
machine: only the ratios do, and they are medians of runs that take turns.
"""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest

from tests.conftest import Amount, MakeHouse
from tests.house import House, free_port
from tests.mutations import TOP
from tests.visitor import Held, Visitor

pytestmark = pytest.mark.timeout(900)

HERE = Path(__file__).parent
CLIENT = TOP / "client_templates"
TICKS = os.sysconf("SC_CLK_TCK")
KINDS = ("copage", "hocuspocus", "y-websocket")


class Run(msgspec.Struct, frozen=True):
    """What came of one run. `cost`: CPU microseconds of the server for each edit. Times in milliseconds."""

    sent: int
    acknowledged: int
    delivered: int
    refused: int
    rate: float
    p50: float
    p99: float
    cost: float = 0.0


def cpu_seconds(pid: int) -> float:
    """User and system time of a process with all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@asynccontextmanager
async def node(script: str, *arguments: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A script beside this file. It finds the packages where the client has them."""
    code = (HERE / script).read_text(encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "-e", code, *("--", *arguments)),
        cwd=CLIENT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def loaded(pid: int, **task: Any) -> Run:
    """Let people write against the server with this process id."""
    async with node("load.mjs") as people:
        assert people.stdin is not None and people.stdout is not None
        people.stdin.write(json.dumps(task).encode())
        people.stdin.close()
        assert json.loads(await people.stdout.readline()) == {"begin": True}
        before = cpu_seconds(pid)
        assert json.loads(await people.stdout.readline()) == {"end": True}
        used = cpu_seconds(pid) - before
        run = msgspec.json.decode(await people.stdout.readline(), type=Run)
    return msgspec.structs.replace(run, cost=used / run.sent * 1e6)


async def practices(house: House, count: int) -> list[tuple[Held, Held]]:
    async with Visitor(house) as alex:
        await alex.makes_account()
        return [await alex.starts_practice() for _ in range(count)]


async def run_of(kind: str, houses: MakeHouse, rooms: int, **how: Any) -> Run:
    if kind == "copage":
        house = await houses(COPAGE_COMMANDS_PER_SECOND="100")
        held = await practices(house, rooms)
        tickets = [[{"id": each.ticket, "cookies": each.cookies} for each in pair] for pair in held]
        run = await loaded(house.pid, kind=kind, port=house.port, rooms=tickets, **how)
        await house.kill()
        on_disk(house, run)
        await house.start()
        return run
    port = free_port()
    async with node("peers.mjs", kind, str(port)) as server:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n"
        return await loaded(server.pid, kind=kind, port=port, rooms=[[None, None]] * rooms, **how)


def on_disk(house: House, run: Run) -> None:
    """The server was killed: whatever it had acknowledged has to be there."""
    with closing(sqlite3.connect(house.data / "copage.db")) as database:
        [count] = database.execute("SELECT COUNT(*) FROM events WHERE kind = 'notes_written'").fetchone()
    assert count >= run.acknowledged


def told(kind: str, runs: Sequence[Run]) -> None:
    cost, p50, p99 = (median(getattr(each, name) for each in runs) for name in ("cost", "p50", "p99"))
    print(
        f"{kind}: {runs[0].rate:.0f} edits/s, {cost:.0f} us of CPU an edit, answered p50 {p50:.1f} ms, p99 {p99:.1f} ms"
    )


async def test_an_edit_costs_at_most_what_it_does_elsewhere(houses: MakeHouse, amount: Amount) -> None:
    """At the whole number; at a tenth of it what an idle server does weighs too much, so there it is printed only."""
    rooms, rate, turns = amount(20, 200), amount(200, 2_000), amount(1, 3)
    how = {"rate": rate, "seconds": amount(3, 8), "warm": 1, "size": 0}
    runs: dict[str, list[Run]] = {kind: [] for kind in KINDS}
    for _ in range(turns):
        for kind in KINDS:
            run = await run_of(kind, houses, rooms, **how)
            assert run.sent == run.acknowledged and run.refused == 0
            assert run.delivered >= run.sent
            runs[kind].append(run)
    for kind in KINDS:
        told(kind, runs[kind])
    ours, theirs, others = (median(each.cost for each in runs[kind]) for kind in KINDS)
    print(f"{ours / theirs:.2f} times the CPU of hocuspocus, {ours / others:.2f} times that of y-websocket")
    if turns > 1:
        assert ours <= theirs


async def test_a_full_box_costs_little_more_than_an_empty_one(houses: MakeHouse, amount: Amount) -> None:
    rooms, rate, turns = amount(4, 10), amount(80, 200), amount(1, 3)
    how = {"rate": rate, "seconds": amount(3, 8), "warm": 1}
    costs: dict[int, list[float]] = {1_000: [], 199_000: []}
    for _ in range(turns):
        for size in costs:
            run = await run_of("copage", houses, rooms, size=size, **how)
            assert run.sent == run.acknowledged and run.refused == 0
            costs[size].append(run.cost)
    small, full = (median(each) for each in costs.values())
    print(f"an edit in a box of 1 KB {small:.0f} us, of 199 KB {full:.0f} us: {full / small:.2f} times")
    if turns > 1:
        assert full <= 1.5 * small
