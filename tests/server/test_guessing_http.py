"""Guessing codes over the wire: who comes honestly gets in meanwhile, and the clock tells nobody why a code is dead."""

from __future__ import annotations

import asyncio
import random
import re
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from pathlib import Path

import httpx2
import pytest

from server.clock import SystemClock, new_id
from server.identity.codes import LENGTH, LETTERS, Codes
from server.store.opening import open_sqlite
from tests.conftest import Amount, MakeHouse
from tests.contracts.trouble import no_trouble
from tests.house import House
from tests.server.alike import least_alike
from tests.server.test_gate import address
from tests.server.test_guessing import not_live
from tests.visitor import Visitor
from tests.waiting import until

pytestmark = pytest.mark.timeout(900)

BEHIND_A_PROXY = {"COPAGE_PROXIES": "127.0.0.1"}
ONE = "203.0.113.9"
IN_WITHIN = 10.0
LINKS_TAKE_AT_MOST = 3.0
"""Times as long as usual, in the middle: one machine serves, guesses and measures."""
OF_A_SESSION = 15
"""People who knock for one session. More than 20 cannot wait."""
AT_ONCE = 20
NUMBERS = count(1)


class Caller:
    """Somebody with a browser at an address of their own."""

    def __init__(self, house: House, place: str) -> None:
        self._http = httpx2.AsyncClient(
            base_url=house.url,
            headers={"Origin": house.url, "X-Forwarded-For": place, "Accept": "text/html"},
            timeout=60,
            trust_env=False,
            limits=httpx2.Limits(max_connections=None),
        )

    async def __aenter__(self) -> Caller:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def tries(self, code: str, place: str | None = None) -> httpx2.Response:
        more = {"X-Forwarded-For": place} if place else {}
        return await self._http.post("/code", data={"code": code}, headers=more)

    async def comes_by_code(self, code: str) -> float:
        """To the waiting page, trying again when told to wait; gives the seconds."""
        began = time.monotonic()
        while (door := await self.tries(code)).status_code == 429:
            assert time.monotonic() - began < 60, "shut out"
        assert door.status_code == 200 and 'name="name"' in door.text, door.text
        await self._waits(await self._http.post("/code", data={"code": code, "name": a_name()}))
        return time.monotonic() - began

    async def comes_by_link(self, link: str) -> float:
        began = time.monotonic()
        assert 'name="name"' in (await self._http.get(link)).text
        await self._waits(await self._http.post(link, data={"name": a_name()}))
        return time.monotonic() - began

    async def _waits(self, knocked: httpx2.Response) -> None:
        assert knocked.status_code == 303, knocked.text
        waiting = await self._http.get(knocked.headers["location"])
        assert waiting.status_code == 200 and "/topic/" in waiting.text, waiting.text


def a_name() -> str:
    return f"Sam {next(NUMBERS)}"


def a_guess() -> str:
    return "".join(random.choices(LETTERS, k=LENGTH))


async def invited(desk: Visitor) -> tuple[str, str]:
    """A new session's link and code."""
    room = await desk.starts_room()
    page = (await desk.looks_at(room)).text
    [code] = set(re.findall(r"\b[0-9A-Z]{4}-[0-9A-Z]{4}\b", page))
    return (await desk.link_of(room)).removeprefix(desk.house.url), code


@pytest.fixture
async def house(houses: MakeHouse) -> House:
    return await houses(**BEHIND_A_PROXY)


@pytest.fixture
async def desk(house: House) -> AsyncIterator[Visitor]:
    async with Visitor(house) as alex:
        await alex.makes_account()
        yield alex


@dataclass(frozen=True)
class Flood:
    """Wrong codes, `at_once` on the way at any time, the nth from `place(nth)`."""

    name: str
    at_once: int
    place: Callable[[int], str]


# Of one address, a hundred tries stand in line for some seconds: with fewer on the way it would take for ever.
FLOODS = [Flood("one address", 200, lambda _: ONE), Flood("many addresses", 60, address)]


@asynccontextmanager
async def flooded(house: House, flood: Flood, guesses: int) -> AsyncIterator[Counter[int]]:
    """So many wrong codes, beside the block and then to their end. Gives how often they were answered with which
    status."""
    numbers, said = iter(range(guesses)), Counter[int]()

    async def guess(caller: Caller) -> None:
        for nth in numbers:
            said[(await caller.tries(a_guess(), flood.place(nth))).status_code] += 1

    async with Caller(house, ONE) as caller:
        guessing = asyncio.gather(*(guess(caller) for _ in range(flood.at_once)))
        try:
            yield said
            await guessing
        finally:
            guessing.cancel()


def has_come(said: Counter[int], far: float) -> bool:
    return said.total() >= far


async def test_who_comes_honestly_gets_in_while_thousands_of_codes_are_guessed(
    house: House, desk: Visitor, amount: Amount
) -> None:
    """[DR1]"""
    guesses, people = amount(1_000, 10_000), amount(5, OF_A_SESSION)
    fresh = (f"198.51.100.{nth}" for nth in count(1))

    async def arrives(way: Callable[[Caller], Awaitable[float]]) -> float:
        async with Caller(house, next(fresh)) as person:
            return await way(person)

    async def quiet() -> list[float]:
        link, _ = await invited(desk)
        return [await arrives(lambda person: person.comes_by_link(link)) for _ in range(people)]

    async def noor_gets_in() -> tuple[float, float]:
        """From where the first flood came."""
        link, code = await invited(desk)
        async with Caller(house, ONE) as noor:
            return await noor.comes_by_link(link), await noor.comes_by_code(code)

    async def among(flood: Flood) -> tuple[list[float], list[float]]:
        """People by code and by link, all through a flood."""
        (_, code), (link, _) = await invited(desk), await invited(desk)
        codes, links = [], []
        began = time.monotonic()
        async with flooded(house, flood, guesses) as said:
            for nth in range(people):
                await until(partial(has_come, said, guesses * 0.8 * nth / people), "the flood", 120)
                codes.append(await arrives(lambda person: person.comes_by_code(code)))
                links.append(await arrives(lambda person: person.comes_by_link(link)))
            assert said.total() < guesses, "the flood was over before"
        print(
            f"{guesses} wrong codes from {flood.name}, {flood.at_once} at once, in {time.monotonic() - began:.0f} s, "
            f"answered {dict(said)}"
        )
        return codes, links

    _, others_code = await invited(desk)
    before = await quiet()
    of_one = await among(FLOODS[0])
    noor = asyncio.create_task(noor_gets_in())
    of_many = await among(FLOODS[1])
    by_link, by_code = await noor
    print(f"afterwards, from where the guesses came: in by link after {by_link:.2f} s, by code after {by_code:.2f} s")
    assert await arrives(lambda person: person.comes_by_code(others_code)) < IN_WITHIN
    usual = statistics.median(before + await quiet())
    for flood, (codes, links) in zip(FLOODS, (of_one, of_many), strict=True):
        ratio = statistics.median(links) / usual
        print(
            f"among those from {flood.name}: in by code within {max(codes):.2f} s; by link {ratio:.1f} times the usual "
            f"{usual * 1000:.0f} ms, within {max(links):.2f} s"
        )
        assert max(codes) < IN_WITHIN
        # The median of five people, with other tests at the same time, says nothing of a flood.
        assert ratio < LINKS_TAKE_AT_MOST or people < OF_A_SESSION


# --- by the clock ---


async def test_the_time_of_a_page_does_not_tell_why_a_code_is_not_live(tmp_path: Path, amount: Amount) -> None:
    house = House(tmp_path / "data", environ=BEHIND_A_PROXY)
    house.data.mkdir()
    async with open_sqlite(house.data / "copage.db", house.data / "key", new_id, no_trouble) as opened:
        codes = Codes(opened.database, opened.vault, SystemClock())
        kinds = await not_live(opened, codes, amount(60, 1_000))
    tries = [(kind, code) for kind, codes_of_it in kinds.items() for code in codes_of_it]
    random.shuffle(tries)
    waiting = iter(enumerate(tries))
    took: dict[str, list[float]] = defaultdict(list)
    sizes = set()

    async def stranger(caller: Caller) -> None:
        for nth, (kind, code) in waiting:
            began = time.perf_counter()
            answer = await caller.tries(code, address(nth))
            took[kind].append(time.perf_counter() - began)
            assert answer.status_code == 422
            sizes.add(len(answer.content))

    await house.start()
    async with Caller(house, ONE) as caller:
        await asyncio.gather(*(stranger(caller) for _ in range(AT_ONCE)))
    await house.stop()
    least, pairs = least_alike(took)
    for pair, probability in pairs.items():
        print(f"{pair}: p = {probability:.3f}")
    print(f"the least of {len(pairs)}, times {len(pairs)}: p = {least:.3f}; {len(took['used'])} tries of each")
    assert least > 0.001
    assert len(sizes) == 1
