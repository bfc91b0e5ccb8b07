"""The curtain: a page of a session that somebody else may have in front of them shows nothing until it is tapped."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.async_api import async_playwright

from tests.browser.asleep import kill, new_mark
from tests.browser.people import (
    CURTAIN,
    DESKTOP,
    HOME,
    PAGES,
    PHONE,
    Person,
    makes_account,
    practice,
    real_session,
    starts_session,
)
from tests.browsers import ARGUMENTS, chromium_path, environment_for
from tests.house import House
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page, Route

TEN_MINUTES = 600_000
OUT_OF_SIGHT = """(hidden) => {
  Object.defineProperty(document, "hidden", {configurable: true, get: () => hidden});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def is_covered(page: Page, *secrets: str) -> None:
    """Wait for the curtain. Nothing of the session is seen, or read out, behind it."""
    await page.locator(CURTAIN).wait_for()
    devtools = await page.context.new_cdp_session(page)
    tree = await devtools.send("Accessibility.getFullAXTree")
    said = [str(node["name"].get("value", "")) for node in tree["nodes"] if not node["ignored"] and "name" in node]
    seen = await page.locator("body").inner_text()
    assert "This page is covered" in seen
    assert any("This page is covered" in each for each in said)
    for secret in ("Connected", *secrets):
        assert secret not in seen
        assert not [each for each in said if secret in each]


async def is_open(page: Page) -> None:
    await page.locator("article[data-page]").wait_for()
    assert not await page.locator(CURTAIN).is_visible()


@asynccontextmanager
async def phone_of_ones_own(profile: Path) -> AsyncIterator[tuple[BrowserContext, str]]:
    """A browser that keeps its profile in a folder, and a mark by which its processes are known."""
    program, mark = chromium_path(), new_mark()
    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            profile,
            executable_path=program,
            args=[*ARGUMENTS, mark],
            env={**os.environ, **environment_for(program)},
            viewport=PHONE,
        )
        yield context, mark
        await context.close()


async def test_after_the_browser_was_closed_or_killed(chromium: Browser, house: House, tmp_path: Path) -> None:
    """Robin is let in without the door, and nothing is shown before the tap."""
    desk = await chromium.new_context(viewport=DESKTOP)
    try:
        page = await desk.new_page()
        await makes_account(page, house.new_link(), "Kim", "nurse")
        link = await starts_session(page)
        async with phone_of_ones_own(tmp_path) as (context, _):
            robin = Person("Robin", await context.new_page())
            await robin.knocks(link, "Robin")
            await Person("Kim", page).admits("Robin")
            await robin.sees(HOME)
            await is_open(robin.page)
            address = robin.page.url
        for ends in ("killed", "closed"):
            async with phone_of_ones_own(tmp_path) as (context, mark):
                robin = Person("Robin", await context.new_page())
                await robin.goes_to(address)
                await is_covered(robin.page, "Kim", "Robin", "Where shall we start?")
                await robin.goes_on()
                await is_open(robin.page)
                await robin.is_told_connected()
                if ends == "killed":
                    async with context.expect_event("close"):
                        kill(mark)
    finally:
        await desk.close()


@pytest.mark.parametrize("how", ["awake", "asleep"])
async def test_after_ten_minutes_out_of_sight(how: str, chromium: Browser, house: House) -> None:
    """On a device that is awake it is drawn while nobody looks; one that slept draws it when it wakes."""
    async with practice(chromium, house) as (alex, sam):
        await sam.page.clock.install()
        await sam.page.reload()
        await sam.is_told_connected()
        await is_open(sam.page)
        await sam.page.evaluate(OUT_OF_SIGHT, True)
        if how == "awake":
            await sam.page.clock.fast_forward(TEN_MINUTES)
            await is_covered(sam.page, "Alex", "Where shall we start?")
        else:
            now = int(await sam.page.evaluate("Date.now()"))
            await sam.page.clock.set_system_time((now + TEN_MINUTES) / 1000)
            await is_open(sam.page)
        await sam.page.evaluate(OUT_OF_SIGHT, False)
        await is_covered(sam.page, "Alex", "Where shall we start?")
        await alex.opens(PAGES[0])
        await sam.sees(PAGES[0])
        await is_covered(sam.page, "Alex", "opened")
        assert await sam.page.evaluate("document.activeElement.dataset.copage") == "open-curtain"
        await sam.page.keyboard.press("Enter")
        await is_open(sam.page)
        assert await sam.page.evaluate("document.activeElement.tagName") == "ARTICLE"


async def test_a_short_look_elsewhere_and_a_refresh_are_not_covered(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (_, sam):
        await sam.page.clock.install()
        await sam.page.reload()
        await is_open(sam.page)
        await sam.page.evaluate(OUT_OF_SIGHT, True)
        await sam.page.clock.fast_forward(TEN_MINUTES // 2)
        await sam.page.evaluate(OUT_OF_SIGHT, False)
        await is_open(sam.page)


async def test_going_in_from_the_desk_or_from_practice_is_not_covered(chromium: Browser, house: House) -> None:
    """Who opens a window from a page of ours is the one who sits there."""
    context = await chromium.new_context(viewport=DESKTOP)
    try:
        page = await context.new_page()
        await makes_account(page, house.new_link(), "Kim", "nurse")
        await starts_session(page)
        await page.locator("form[action$='/enter'] button").click()
        await page.wait_for_url("**/s/*")
        await is_open(page)
        await page.goto(f"{house.url}/desk")
        await page.locator("form[action$='/practice'] button").click()
        for door in await page.locator("a[href*='/s/']").all():
            async with context.expect_page() as opened:
                await door.click()
            window = await opened.value
            await is_open(window)
    finally:
        await context.close()


async def test_leave_now_works_from_the_curtain(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        again = Person("Robin", await robin.context.new_page(), taps=True)
        await again.goes_to(robin.page.url)
        await is_covered(again.page, "Kim", "Where shall we start?")
        await again.presses(".curtain form[data-copage=leave] button")
        await again.page.wait_for_url("**/left")
        await kim.is_told_of(robin, "has left")
        await robin.page.wait_for_url("**/left")


async def test_a_tap_opens_it_while_the_script_is_still_on_its_way(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (_, sam):
        page = await sam.context.new_page()
        coming = asyncio.Event()

        async def late(route: Route) -> None:
            await coming.wait()
            await route.continue_()

        await page.route("**/session-*.js", late)
        await page.goto(sam.page.url, wait_until="commit")
        await page.locator(CURTAIN).click()
        await is_open(page)
        coming.set()
        await page.locator("[data-copage=state][data-state=live]").wait_for()
        await is_open(page)


async def test_without_script_there_is_no_curtain(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (_, sam):
        plain = await chromium.new_context(java_script_enabled=False, storage_state=await sam.context.storage_state())
        try:
            page = await plain.new_page()
            await page.goto(sam.page.url)
            await is_open(page)
        finally:
            await plain.close()


async def test_the_closing_page_is_covered_too(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        await kim.opens(PAGES[0])
        await robin.sees(PAGES[0])
        address, title = robin.page.url, await robin.page.locator("article h1").inner_text()
        await kim.presses("[data-copage=end-box] summary")
        await kim.presses("[data-copage=end] button")
        await until(lambda: robin.page.get_by_text("The session is over").is_visible(), "that it is over")
        assert not await robin.page.locator(CURTAIN).is_visible()
        again = Person("Robin", await robin.context.new_page(), taps=True)
        await again.goes_to(address)
        await is_covered(again.page, "Kim", title, "The session is over")
        await again.goes_on()
        await again.page.get_by_text(title).wait_for()
