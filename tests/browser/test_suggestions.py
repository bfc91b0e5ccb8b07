"""Suggesting a page: a card that takes nobody anywhere, to be opened together or not now."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser

from tests.browser.people import HOME, PAGES, PHONE, Person, practice
from tests.browser.test_never_moved import TITLES, scrolls, types
from tests.house import House

CARD = "[data-question=suggested]"


async def suggests(person: Person, page: str) -> None:
    await person.presses(".suggest summary")
    await person.presses(f"[data-copage=suggest] button[value='{page}']")


async def test_sg1_a_suggestion_is_a_card_and_moves_nobody(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await sam.page.set_viewport_size(PHONE)
        await scrolls(sam, 400)
        await types(sam)
        before = await sam.page.evaluate("Math.round(scrollY)")
        await suggests(alex, PAGES[1])
        await alex.is_told(f"You suggested “{TITLES[PAGES[1]]}”. The others see it.")
        await sam.page.locator(CARD).get_by_text(f"Alex suggests “{TITLES[PAGES[1]]}”.").wait_for()
        assert await sam.page.evaluate("Math.round(scrollY)") == before
        sight = await sam.looks()
        assert sight is not None and sight.page == HOME
        await sam.page.locator(CARD).get_by_text("Open it together").click()
        await asyncio.gather(alex.sees(PAGES[1]), sam.sees(PAGES[1]))
        await sam.page.locator(CARD).wait_for(state="detached")


async def test_sg3_not_now_and_taken_back(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        for page in PAGES[:2]:
            await suggests(sam, page)
        await alex.page.locator(CARD).get_by_text("After it there is more to see.").wait_for()
        await alex.page.locator(CARD).get_by_text("Not now").click()
        await alex.page.locator(CARD).get_by_text(f"Sam suggests “{TITLES[PAGES[1]]}”.").wait_for()
        await sam.presses("[data-copage=ways] summary")
        await sam.presses("[data-copage=my-suggestions] button")
        await alex.page.locator(CARD).wait_for(state="detached")
        await sam.page.locator("[data-copage=my-suggestions] li").wait_for(state="detached")


async def test_sg1_who_looks_on_their_own_suggests_what_they_found(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await sam.looks_alone()
        await sam.opens(PAGES[2])
        await sam.sees(PAGES[2])
        await sam.presses("[data-copage=suggest-this]")
        await alex.page.locator(CARD).get_by_text("Open it together").click()
        await alex.sees(PAGES[2])
        sight = await sam.looks()
        assert sight is not None and sight.page == PAGES[2]
        await sam.goes_along()
        await alex.is_told_of(sam, "here")


async def test_sg1_it_works_without_a_script(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await suggests(alex, PAGES[0])
        await sam.page.locator(CARD).wait_for()
        context = await chromium.new_context(
            java_script_enabled=False, storage_state=await sam.page.context.storage_state()
        )
        page = await context.new_page()
        await page.goto(sam.page.url)
        assert f"Suggested: “{TITLES[PAGES[0]]}”" in await page.locator("body").inner_text()
        await page.locator("noscript form[action$='/turn'] button").click()
        await alex.sees(PAGES[0])
        await context.close()
