"""Pointers beside two known servers, in one run: what it costs to deliver one, and how soon it is there.

Absolute times mean nothing on another machine: only the ratios do, and they are medians of runs that take turns.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
import pytest

from tests.bench.test_notes_beside_others import cpu_seconds, node
from tests.conftest import Amount, MakeHouse
from tests.house import House, free_port
from tests.mutations import TOP
from tests.visitor import Held, Visitor
from tests.waiting import until

pytestmark = pytest.mark.timeout(900)

HERE = Path(__file__).parent
KINDS = ("copage", "node", "python")
POINTS = 20
"""A second, of each of the two who point in a room."""


class Run(msgspec.Struct, frozen=True):
    """What came of one run. Times in milliseconds; `cost`: CPU microseconds of the server for each pointer delivered;
    `load`: the share of one processor that it took. `age`: how much older than the newest the newest known one was."""

    sent: int
    delivered: int
    rate: float
    p50: float
    p99: float
    age: float
    answered: int
    answer: float
    cost: float = 0.0
    load: float = 0.0


async def pointed(pid: int, **task: Any) -> Run:
    """Let people point at the server with this process id."""
    async with node("pointers.mjs") as people:
        assert people.stdin is not None and people.stdout is not None
        people.stdin.write(json.dumps(task).encode())
        people.stdin.close()
        assert json.loads(await people.stdout.readline()) == {"begin": True}
        before = cpu_seconds(pid)
        assert json.loads(await people.stdout.readline()) == {"end": True}
        used = cpu_seconds(pid) - before
        run = msgspec.json.decode(await people.stdout.readline(), type=Run)
    return msgspec.structs.replace(run, cost=used / max(1, run.delivered) * 1e6, load=used / task["seconds"])


@asynccontextmanager
async def python_relay(port: int) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, HERE / "relay.py", str(port), cwd=TOP)
    try:
        await until(lambda: _answers(port), "the server to answer")
        yield process.pid
    finally:
        process.kill()
        await process.wait()


async def _answers(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def sessions_of_three(house: House, count: int) -> list[list[dict[str, Any]]]:
    """The tickets of a worker and two others in each of so many sessions."""
    async with Visitor(house) as alex:
        await alex.makes_account()
        rooms: list[list[dict[str, Any]]] = []
        for _ in range(count):
            room = await alex.starts_room()
            held = [await alex.goes_in(room)]
            for name in ("Sam", "Robin"):
                async with Visitor(house) as other:
                    held.append(await other.comes_in(await alex.link_of(room), alex, name))
                if name == "Sam":
                    await alex.does(room, "link")
            rooms.append([_ticket(each) for each in held])
        return rooms


def _ticket(held: Held) -> dict[str, Any]:
    return {"id": held.ticket, "cookies": held.cookies}


async def run_of(kind: str, house: House, tickets: list[list[dict[str, Any]]], **how: Any) -> Run:
    if kind == "copage":
        return await pointed(house.pid, kind=kind, port=house.port, rooms=tickets, **how)
    port, rooms = free_port(), [[None] * 3] * len(tickets)
    if kind == "python":
        async with python_relay(port) as pid:
            return await pointed(pid, kind=kind, port=port, rooms=rooms, **how)
    async with node("relay.mjs", str(port)) as server:
        assert server.stdout is not None
        assert await server.stdout.readline() == b"ready\n"
        return await pointed(server.pid, kind=kind, port=port, rooms=rooms, **how)


async def test_a_pointer_costs_at_most_what_it_does_elsewhere(houses: MakeHouse, amount: Amount) -> None:
    """At the whole number; at a tenth of it what an idle server does weighs too much, so there it is printed only."""
    house = await houses(COPAGE_COMMANDS_PER_SECOND="100")
    tickets = await sessions_of_three(house, amount(6, 64))
    how = {"rate": POINTS, "seconds": amount(2, 8), "warm": 1, "commands": 0}
    runs: dict[str, list[Run]] = {kind: [] for kind in KINDS}
    for _ in range(turns := amount(1, 3)):
        for kind in KINDS:
            run = await run_of(kind, house, tickets, **how)
            assert run.delivered >= run.sent * 2 * 0.98
            runs[kind].append(run)
    for kind in KINDS:
        cost, p50, p99 = (median(getattr(each, name) for each in runs[kind]) for name in ("cost", "p50", "p99"))
        rate = runs[kind][0].rate
        print(f"{kind}: {rate:.0f} pointers/s, {cost:.1f} us of CPU each, p50 {p50:.1f} ms, p99 {p99:.1f} ms")
    ours, nodes, stock = (median(each.cost for each in runs[kind]) for kind in KINDS)
    print(f"{ours / nodes:.2f} times the CPU of Node's, {ours / stock:.2f} times that of stock python-socketio")
    if turns > 1:
        assert ours <= nodes
        assert median(each.p99 for each in runs["copage"]) <= 10


async def test_with_nearly_twice_as_many_the_newest_position_is_young(houses: MakeHouse, amount: Amount) -> None:
    """And commands are acknowledged. More than 40 a second of one connection are thinned out, so it is not more."""
    house = await houses(COPAGE_COMMANDS_PER_SECOND="100")
    tickets = await sessions_of_three(house, amount(6, 64))
    run = await run_of("copage", house, tickets, rate=38, seconds=amount(2, 6), warm=1, commands=20)
    print(
        f"{run.rate:.0f} pointers/s take {run.load:.0%} of a processor: newest position {run.age:.0f} ms late (p99),"
        f" {run.answered} commands acknowledged in {run.answer:.0f} ms (p99)"
    )
    assert run.answered > 0
    if amount(0, 1):
        assert run.age <= 250 and run.answer <= 100
