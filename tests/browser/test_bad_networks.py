"""Networks as they are in clinics, trains and hotels: the session goes on by whatever way they leave open."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.people import HOME, PAGES, Person, practice, practice_windows, same_for
from tests.conftest import Amount
from tests.house import House
from tests.proxy import Proxy, Way, WebSockets

if TYPE_CHECKING:
    from playwright.async_api import Browser

FIRST, SECOND, THIRD = PAGES[:3]
CHOOSE = """(number) => {
  const offered = [...document.querySelectorAll("form[data-copage=turn] button[name=page]")];
  offered[number % offered.length].click();
}"""
"""Chosen and pressed in one moment: between two, the page may have become another."""
AT_MOST = 8.0
"""Seconds from loading to the shared page."""


@pytest.mark.parametrize("what", [WebSockets.REFUSED, WebSockets.HANGING, WebSockets.SILENT])
async def test_websockets_do_not_work_here(what: WebSockets, chromium: Browser, far: tuple[House, Proxy]) -> None:
    house, network = far
    network.websockets = what
    async with practice_windows(chromium, house) as (alex, sam):
        shared = max(await asyncio.gather(alex.is_told_connected(), sam.is_told_connected())) - alex.came_at
        print(f"WebSockets {what.name.lower()}: a shared page {shared:.1f} s after loading (at most {AT_MOST:.0f} s)")
        assert shared <= AT_MOST
        assert network.upgrades
        began = time.monotonic()
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        await sam.opens(HOME)
        await asyncio.gather(alex.sees(HOME), sam.sees(HOME))
        print(f"two pages turned over long-polling in {time.monotonic() - began:.2f} s")
        await same_for(alex, sam)


async def test_a_tab_remembers_that_websockets_do_not_work_here(chromium: Browser, far: tuple[House, Proxy]) -> None:
    """Loading again does not mean waiting again."""
    house, network = far
    network.websockets = WebSockets.HANGING
    async with practice(chromium, house) as (alex, _):
        began = time.monotonic()
        await alex.page.reload(wait_until="commit")
        again = await alex.is_told_connected() - began
        print(f"loaded again where WebSockets hang: connected after {again:.2f} s")
        assert again <= 3


async def test_websockets_are_cut_after_a_while_again_and_again(
    chromium: Browser, far: tuple[House, Proxy], amount: Amount
) -> None:
    """They turn pages all the while: through every cut, and after the windows have given WebSockets up."""
    house, network = far
    lives = amount(4, 20)
    network.websocket_lives, network.cuts = lives, 0
    async with practice(chromium, house) as (alex, sam):
        turns, longest = 0, 0.0
        end = time.monotonic() + 3.5 * lives
        while time.monotonic() < end:
            person, page = ((alex, FIRST), (sam, HOME), (alex, SECOND), (sam, HOME))[turns % 4]
            began = time.monotonic()
            await person.opens(page)
            await asyncio.gather(alex.sees(page), sam.sees(page))
            turns, longest = turns + 1, max(longest, time.monotonic() - began)
        print(f"cut after {lives} s each, {network.cuts} times: of {turns} turns, the slowest took {longest:.2f} s")
        assert network.cuts >= 4
        assert longest <= AT_MOST
        network.mend()
        await same_for(alex, sam)


async def test_a_slow_network(chromium: Browser, far: tuple[House, Proxy]) -> None:
    """300 ms each way."""
    house, network = far
    network.delay = 0.3
    async with practice_windows(chromium, house) as (alex, sam):
        shared = max(await asyncio.gather(alex.is_told_connected(), sam.is_told_connected())) - alex.came_at
        print(f"300 ms each way: a shared page {shared:.1f} s after loading")
        assert shared <= AT_MOST
        await both_turn_pages(random.Random(1), alex, sam, 6)
        await same_for(alex, sam)


@pytest.mark.parametrize("way", list(Way))
async def test_one_way_is_cut(way: Way, chromium: Browser, far: tuple[House, Proxy]) -> None:
    house, network = far
    async with practice(chromium, house) as (alex, sam):
        await both_turn_pages(random.Random(2), alex, sam, 2)
        network.cut(way)
        await _turns_a_page(random.Random(5), alex)
        await asyncio.gather(alex.is_told_not_connected(), sam.is_told_not_connected())
        network.mend()
        began = time.monotonic()
        await same_for(alex, sam)
        print(f"cut one way, {way.value}: the same for both {time.monotonic() - began:.2f} s after it was mended")
        await both_turn_pages(random.Random(3), alex, sam, 2)
        await same_for(alex, sam)


async def test_frames_are_cut_in_their_middle(chromium: Browser, far: tuple[House, Proxy]) -> None:
    """Of a command or an event, half arrives. Both go on turning pages."""
    house, network = far
    async with practice(chromium, house) as (alex, sam):
        network.cuts = 0
        chance = random.Random(4)
        for _ in range(6):
            network.breaks = 1
            await both_turn_pages(chance, alex, sam, 1)
        print(f"{network.cuts} frames cut in their middle")
        assert network.cuts >= 2
        network.mend()
        await same_for(alex, sam)


async def both_turn_pages(chance: random.Random, alex: Person, sam: Person, times: int) -> None:
    """Both choose pages at the same moment, again and again, whatever the network does. Comes back when all choices
    have come to something: a page, or words that say that none came of it."""
    for _ in range(times):
        await asyncio.gather(*(_turns_a_page(chance, each) for each in (alex, sam)))
    for each in (alex, sam):
        await each.page.wait_for_function("() => !document.querySelector('[aria-busy]')")


async def _turns_a_page(chance: random.Random, person: Person) -> None:
    await person.page.evaluate(CHOOSE, chance.randrange(1000))
