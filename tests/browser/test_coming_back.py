"""Whatever interrupts a session: afterwards a window has exactly what it missed, or the whole view; never a mixture."""

from __future__ import annotations

import asyncio
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from tests.browser.asleep import laptop
from tests.browser.people import HOME, PAGES, Person, another_browser_of, practice, practice_windows, same_for
from tests.conftest import Amount, MakeHouse
from tests.house import House
from tests.proxy import Proxy
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser

FIRST, SECOND, THIRD = PAGES[:3]
AT_MOST = 3.0
"""Seconds from connectivity until everything is there."""


async def test_a_refresh_keeps_the_page_and_the_way_back(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        began = time.monotonic()
        await alex.page.reload(wait_until="commit")
        await alex.is_told_connected()
        told("a refresh", began, await alex.sees(FIRST))
        await same_for(alex, sam)
        await alex.goes_back()
        await asyncio.gather(alex.sees(HOME), sam.sees(FIRST))


@pytest.mark.parametrize("how", ["stopped", "killed"])
async def test_the_server_starts_again(how: str, chromium: Browser, houses: MakeHouse) -> None:
    house = await houses()
    async with practice(chromium, house) as (alex, sam):
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        await (house.stop() if how == "stopped" else house.kill())
        await asyncio.gather(alex.is_told_not_connected(), sam.is_told_not_connected())
        await house.start()
        began = time.monotonic()
        told(f"the server was {how}", began, await both_connected(alex, sam))
        for person in (alex, sam):
            assert person.welcomes[-1]["whole"] is None and person.welcomes[-1]["events"] == []
        await same_for(alex, sam)
        await sam.opens(HOME)
        await asyncio.gather(alex.sees(HOME), sam.sees(HOME))


async def test_the_network_is_away_for_a_minute(chromium: Browser, far: tuple[House, Proxy], amount: Amount) -> None:
    """The browser itself does not see it: nothing arrives any more, and nothing says so."""
    house, network = far
    async with practice(chromium, house) as (alex, sam):
        network.cut()
        began = time.monotonic()
        await asyncio.gather(alex.is_told_not_connected(), sam.is_told_not_connected())
        await until(lambda: time.monotonic() - began >= amount(6, 60), "the cut to last", 120)
        network.mend()
        began = time.monotonic()
        told(f"a cut of {amount(6, 60)} s that nobody was told of", began, await both_connected(alex, sam))
        await same_for(alex, sam)


async def test_one_of_them_is_offline_while_the_other_goes_on(chromium: Browser, house: House, amount: Amount) -> None:
    """Two browsers: Sam's loses the network, and gets exactly the pages that Alex opened meanwhile."""
    async with practice(chromium, house) as (alex, sam), another_browser_of(sam, chromium) as sam_elsewhere:
        await sam_elsewhere.drops()
        began = time.monotonic()
        await sam_elsewhere.is_told_not_connected()
        for page in (FIRST, HOME, SECOND):
            await alex.opens(page)
            await asyncio.gather(alex.sees(page), sam.sees(page))
        await until(lambda: time.monotonic() - began >= amount(4, 60), "the cut to last", 120)
        began = await sam_elsewhere.comes_back()
        await sam_elsewhere.is_told_connected()
        told(f"offline for {amount(4, 60)} s", began, await sam_elsewhere.sees(SECOND))
        welcome = sam_elsewhere.welcomes[-1]
        assert welcome["whole"] is None
        turned = [frame["event"] for frame in welcome["events"] if frame["event"]["kind"] == "page_turned"]
        assert [event["page"] for event in turned] == [FIRST, HOME, SECOND]
        await same_for(alex, sam, sam_elsewhere)


async def test_a_laptop_asleep(chromium: Browser, house: House) -> None:
    async with (
        practice(chromium, house) as (alex, before),
        laptop() as closed,
        another_browser_of(before, closed.browser) as sam,
    ):
        await before.page.close()
        closed.close()
        try:
            await alex.is_told_of(sam, "not connected")
            for page in (FIRST, HOME, THIRD):
                await alex.opens(page)
                await alex.sees(page)
        finally:
            closed.open()
        began = time.monotonic()
        await sam.sees(THIRD)
        told("a laptop asleep", began, await sam.is_told_connected())
        await same_for(alex, sam)


async def test_an_older_database_is_put_back_by_hand(chromium: Browser, houses: MakeHouse) -> None:
    """Events that Alex and Sam have seen are gone, and their numbers come again with other events: both get the whole
    view, and nobody keeps what no longer exists."""
    house = await houses()
    async with practice_windows(chromium, house) as (alex, sam):
        await asyncio.gather(alex.is_told_connected(), sam.is_told_connected())
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        await house.stop()
        database = house.data / "copage.db"
        older = house.data / "older"
        shutil.copyfile(database, older)
        assert not [file for file in house.data.glob("copage.db-wal") if file.stat().st_size]
        await house.start()
        await asyncio.gather(alex.is_told_connected(), sam.is_told_connected())
        for page in (HOME, SECOND):
            await sam.opens(page)
            await asyncio.gather(alex.sees(page), sam.sees(page))
        async with another_browser_of(sam, chromium) as sam_elsewhere:
            await sam_elsewhere.drops()
            await sam_elsewhere.is_told_not_connected()
            await house.stop()
            shutil.copyfile(older, database)
            for left_over in house.data.glob("copage.db-*"):
                left_over.unlink()
            await house.start()
            began = time.monotonic()
            told("an older database", began, await both_connected(alex, sam))
            for person in (alex, sam):
                await person.sees(FIRST)
                assert person.welcomes[-1]["whole"]["page"] == FIRST
            # More happens than was lost, so that its old number now names another event.
            for page in (HOME, THIRD, HOME, FIRST):
                await alex.opens(page)
                await asyncio.gather(alex.sees(page), sam.sees(page))
            began = await sam_elsewhere.comes_back()
            await sam_elsewhere.is_told_connected()
            told("an older database, seen late", began, await sam_elsewhere.sees(FIRST))
            assert sam_elsewhere.welcomes[-1]["whole"]["page"] == FIRST
            await same_for(alex, sam, sam_elsewhere)


def told(what: str, began: float, ended: float) -> None:
    print(f"after {what}: everything there {ended - began:.2f} s after connectivity (at most {AT_MOST:.0f} s)")
    assert ended - began <= AT_MOST


async def both_connected(*people: Person) -> float:
    return max(await asyncio.gather(*(each.is_told_connected() for each in people)))
