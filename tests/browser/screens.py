"""Every screen that a person can come to, one after the other: for tests that look at all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, TypeAlias

from tests.browser.people import (
    DESKTOP,
    HELP,
    HOME,
    JOIN_LINK,
    PAGES,
    PASSWORD,
    PHONE,
    Person,
    new_login,
)
from tests.house import House

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

Screen: TypeAlias = "tuple[str, Page]"
"""What to call it, and a window that shows it until the next one is asked for."""

WORKER = "Kim"
JOB = "nurse"
OTHER = "Robin"


async def screens(browser: Browser, house: House, **options: Any) -> AsyncIterator[Screen]:
    """Two people go through everything there is, in contexts made with `options`."""
    desk = await browser.new_context(**{"viewport": DESKTOP, **options})
    phone = await browser.new_context(**{"viewport": PHONE, **options})
    try:
        page, other = await desk.new_page(), await phone.new_page()
        async for screen in _outside(page, house):
            yield screen
        async for screen in _practice(page, house):
            yield screen
        async for screen in _session(Person(WORKER, page), Person(OTHER, other), house):
            yield screen
    finally:
        await desk.close()
        await phone.close()


async def _outside(page: Page, house: House) -> AsyncIterator[Screen]:
    for name, path in (("front", "/"), ("sign-in", "/sign-in"), ("wrong-link", "/join/wrong"), ("no-page", "/nowhere")):
        await page.goto(house.url + path)
        yield name, page
    await page.goto(f"{house.url}/check")
    await page.locator("[data-copage=check-result][data-state=good]").wait_for()
    yield "check", page


async def _practice(page: Page, house: House) -> AsyncIterator[Screen]:
    await page.goto(house.new_link())
    yield "start", page
    await page.locator("form[action$='/practice'] button").click()
    door = page.locator("a[href*='/s/']").first
    await door.wait_for()
    yield "practice", page
    await page.goto(house.url + str(await door.get_attribute("href")).removeprefix(house.url))
    await page.locator("[data-state=live]").wait_for()
    yield "practice-session", page


async def _session(kim: Person, robin: Person, house: House) -> AsyncIterator[Screen]:
    page, other = kim.page, robin.page
    await page.goto(house.new_link())
    form = page.locator("form[action$='/account']")
    fields = {"shown": WORKER, "job": JOB, "login": new_login()}
    for field, value in {**fields, "password": "short"}.items():
        await form.locator(f"[name={field}]").fill(value)
    await form.evaluate("form => form.noValidate = true")
    await form.locator("button").click()
    await page.wait_for_load_state()
    yield "start-refused", page
    for field, value in {**fields, "password": PASSWORD}.items():
        await form.locator(f"[name={field}]").fill(value)
    await form.locator("button").click()
    await page.wait_for_url("**/desk")
    yield "desk-empty", page
    await page.locator("form[action='/desk/sessions'] button").click()
    await page.locator("form[action$='/enter'] button").first.wait_for()
    yield "desk", page
    link = JOIN_LINK.findall(await page.content())[0]
    await other.goto(link)
    yield "join", other
    await other.locator("input[name=name]").fill("\N{ZERO WIDTH SPACE}")
    await other.locator("form[action*='/join/'] button").click()
    await other.wait_for_load_state()
    yield "join-refused", other
    await other.locator("input[name=name]").fill(OTHER)
    await other.locator("form[action*='/join/'] button").click()
    await other.locator("[data-state=live]").wait_for()
    await page.locator("form[action$='/enter'] button").first.click()
    await page.locator("[data-state=live]").wait_for()
    await other.goto(link)
    yield "link-used", other
    await other.go_back()
    await other.locator("[data-state=live]").wait_for()
    yield "session-worker", page
    yield "session-phone", other
    for number, choice in enumerate(PAGES):
        await kim.opens(choice)
        await asyncio.gather(kim.sees(choice), robin.sees(choice))
        yield f"page-{number}-{choice}", other
        if choice != PAGES[-1]:
            await kim.opens(HOME)
            await kim.sees(HOME)
    for each in (kim, robin):
        await each.presses(HELP)
    yield "help-worker", page
    yield "help-phone", other
    await robin.presses(HELP)
    await kim.presses(HELP)
    await robin.drops()
    await other.locator("[data-copage=state][data-state=not_connected]").wait_for()
    yield "session-not-connected", other
    await robin.comes_back()
    await other.locator("[data-copage=state][data-state=live]").wait_for()
    await kim.presses("[data-copage=end-box] summary")
    yield "end-asks", page
    await kim.presses("[data-copage=end-cancel]")
    await robin.leaves()
    await other.wait_for_url("**/left")
    yield "left", other
    await page.locator("[data-copage=people] [data-state=left]").wait_for()
    yield "session-partner-left", page
    await kim.presses("[data-copage=end-box] summary")
    await kim.presses("[data-copage=end] button")
    await page.wait_for_url("**/over")
    yield "over", page
