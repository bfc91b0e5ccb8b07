"""What guessing codes comes to: in a year, and by looking at the clock."""

from __future__ import annotations

import asyncio
import math
import random
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest

from server.clock import SystemClock, new_id
from server.identity.codes import LENGTH, LETTERS, Codes
from server.identity.gate import TRIES_PER_SECOND, TRIES_SAVED, Gate, Lookup, NotLive
from server.ports import Statement
from server.store.opening import Opened, open_sqlite
from tests.conftest import Amount
from tests.contracts.trouble import no_trouble
from tests.server.alike import least_alike, mann_whitney
from tests.server.invited import invite
from tests.server.test_gate import House, address
from tests.world.loop import VirtualLoop

LIVE_CODES = 200
YEAR = 365 * 24 * 3600.0
AT_ONCE = 10
ENDS = {
    "too old": "UPDATE codes SET created_at = 0 WHERE invitation LIKE $1",
    "used": "UPDATE invitations SET used_at = 5 WHERE hash LIKE $1",
    "revoked": "UPDATE invitations SET revoked_at = 5 WHERE hash LIKE $1",
    "over": "UPDATE sessions SET ended_at = 5 WHERE id LIKE 'session of ' || $1",
}
"""How the code of an invitation stops being live."""
Times = Mapping[str, Sequence[float]]


# --- a year ---


def chance(wrong_tries: float) -> float:
    """That any of so many guesses hits one of the live codes."""
    return -math.expm1(wrong_tries * math.log1p(-LIVE_CODES / len(LETTERS) ** LENGTH))


def test_a_year_of_guessing_hits_with_a_chance_of_less_than_one_in_a_hundred(amount: Amount) -> None:
    hours = amount(1, 8)
    with VirtualLoop() as loop:
        house = House(loop)

        async def guesses_until_nothing_is_saved() -> None:
            for nth in range(TRIES_SAVED):
                house.gate._service.take(house.clock.monotonic())
                house.wrong.append((house.clock.monotonic(), str(nth)))

        async def guesses_without_end(until: float) -> None:
            """From ever new addresses, two in a second: more than are looked at."""
            tries = []
            nth = 0
            while house.clock.monotonic() < until:
                tries.append(asyncio.ensure_future(house.guess(address(nth := nth + 1))))
                await house.clock.sleep(0.5)
            await asyncio.gather(*tries)

        loop.run(guesses_until_nothing_is_saved())
        loop.run(guesses_without_end(hours * 3600.0))
        seen = len(house.wrong) - TRIES_SAVED
        passed = loop.now
    simulated = TRIES_SAVED + seen / passed * YEAR
    by_formula = TRIES_SAVED + TRIES_PER_SECOND * YEAR
    print(f"{hours} h, scaled to a year: {simulated:,.0f} codes looked at, a chance of {chance(simulated):.3%}")
    print(f"by the formula: {by_formula:,.0f} codes, {chance(by_formula):.3%}; of it saved: {chance(TRIES_SAVED):.5%}")
    assert simulated <= by_formula * 1.001
    assert chance(by_formula) < 0.006


# --- by the clock ---


@pytest.fixture
async def opened(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        yield opened


class Slower:
    """A lookup that differs: what was used takes two milliseconds more."""

    def __init__(self, codes: Codes, used: Sequence[str]) -> None:
        self._codes = codes
        self._used = frozenset(used)

    async def find(self, code: str) -> str | None:
        found = await self._codes.find(code)
        if code in self._used:
            await SystemClock().sleep(0.002)
        return found


async def not_live(opened: Opened, codes: Codes, number: int) -> dict[str, list[str]]:
    """So many codes of each kind that is not live, none of them twice."""
    kinds = {"never made": ["".join(random.choices(LETTERS, k=LENGTH)) for _ in range(number)]}
    for kind, ending in ENDS.items():
        people = [f"{kind} {nth}" for nth in range(number)]
        await invite(opened.database, *people)
        kinds[kind] = [await codes.make(person) for person in people]
        await opened.database.write(Statement(ending, (f"{kind} %",), rows=number))
    return kinds


async def times(lookup: Lookup, kinds: Mapping[str, Sequence[str]], answer_after: float) -> Times:
    """How long each try took, all kinds mixed, some at once, each from a place of its own."""
    gate = Gate(lookup, SystemClock(), answer_after=answer_after)
    tries = [(kind, code) for kind, codes in kinds.items() for code in codes]
    random.shuffle(tries)
    waiting = iter(enumerate(tries))
    took: dict[str, list[float]] = defaultdict(list)

    async def stranger() -> None:
        for number, (kind, code) in waiting:
            began = time.perf_counter()
            assert await gate.look(code, address(number)) == NotLive()
            took[kind].append(time.perf_counter() - began)

    await asyncio.gather(*(stranger() for _ in range(AT_ONCE)))
    return took


async def test_the_time_of_an_answer_does_not_tell_why_a_code_is_not_live(opened: Opened, amount: Amount) -> None:
    codes = Codes(opened.database, opened.vault, SystemClock())
    kinds = await not_live(opened, codes, amount(200, 2_000))
    took = await times(codes, kinds, answer_after=0.03)
    least, pairs = least_alike(took)
    for pair, probability in pairs.items():
        print(f"{pair}: p = {probability:.3f}")
    print(f"the least of {len(pairs)}, times {len(pairs)}: p = {least:.3f}; {len(took['used'])} tries of each")
    assert least > 0.001


async def test_a_lookup_that_takes_longer_for_some_would_be_noticed(opened: Opened) -> None:
    codes = Codes(opened.database, opened.vault, SystemClock())
    kinds = await not_live(opened, codes, 200)
    slower = Slower(codes, kinds["used"])
    told, _ = least_alike(await times(slower, kinds, answer_after=1e-6))
    print(f"two milliseconds more for what was used, answered at once: p = {told:.1e}")
    assert told < 0.001


def test_the_statistic_knows_alike_from_different() -> None:
    values = random.Random(7)
    some, others = ([values.gauss(0, 1) for _ in range(300)] for _ in range(2))
    assert mann_whitney(some, others) > 0.05
    assert mann_whitney(some, [value + 0.5 for value in others]) < 1e-6
    assert mann_whitney(some, some) == 1 == mann_whitney([1.0] * 30, [1.0] * 40)
    assert mann_whitney([1, 2, 3], [4, 5, 6]) == pytest.approx(0.0495, abs=1e-3)
