"""The pages of staff in a browser: the warning before an idle sign-in ends, and what anybody can read and reach."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

import pytest

from tests.browser.axe import barriers
from tests.browser.people import Person, new_login, signs_in
from tests.browser.screens import staff_screens
from tests.conftest import MakeHouse
from tests.house import House
from tests.visitor import Visitor

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request, Route, ViewportSize

DIALOG = "[data-copage=idle]"
SMALL: ViewportSize = {"width": 320, "height": 640}


class Sleepy:
    """The server's answers about how long the sign-in lasts, as the test wants them."""

    def __init__(self) -> None:
        self.left = 42
        self.stayed = 0

    async def answers(self, route: Route, request: Request) -> None:
        if request.method == "POST":
            self.stayed += 1
            self.left = 900
        status = 200 if self.left else 401
        await route.fulfill(status=status, json={"seconds_left": self.left})


@pytest.fixture
async def page(chromium: Browser, house: House) -> AsyncIterator[Page]:
    """Kim's browser, signed in, on a small screen."""
    login = new_login()
    async with Visitor(house) as visitor:
        await visitor.makes_account(login, "Kim", "nurse")
    context = await chromium.new_context(viewport=SMALL, timezone_id="Asia/Tokyo")
    page = await context.new_page()
    await page.goto(f"{house.url}/sign-in")
    await signs_in(page, login)
    await page.wait_for_url("**/desk")
    yield page
    await context.close()


async def test_a_minute_before_it_ends_kim_is_warned_and_can_stay(page: Page, house: House) -> None:
    sleepy = Sleepy()
    await page.route("**/account/awake", sleepy.answers)
    kim = Person("Kim", page)
    await kim.goes_to(f"{house.url}/account")
    dialog = page.locator(DIALOG)
    for by_keyboard in (True, False):
        await dialog.wait_for()
        assert re.search(r"You will be signed out in 4\d seconds\.", await dialog.inner_text())
        assert await page.evaluate("document.activeElement.dataset.copage") == "idle-stay"
        assert await barriers(page) == []
        before = sleepy.stayed
        await (page.keyboard.press("Escape") if by_keyboard else kim.presses("[data-copage=idle-stay]"))
        await dialog.wait_for(state="hidden")
        assert sleepy.stayed == before + 1
        sleepy.left = 42
        await page.reload()
    assert kim.mistakes == []


async def test_when_it_is_over_the_page_goes(page: Page, house: House) -> None:
    sleepy = Sleepy()
    await page.route("**/account/awake", sleepy.answers)
    await page.goto(f"{house.url}/account")
    await page.locator(DIALOG).wait_for()
    await page.context.clear_cookies()
    sleepy.left = 0
    await page.reload()
    await page.wait_for_url("**/sign-in")


async def test_the_page_does_ask_the_server_and_signing_out_is_one_press(page: Page, house: House) -> None:
    async with page.expect_response("**/account/awake") as answer:
        await page.goto(f"{house.url}/account")
    assert (await answer.value).status == 200
    assert not await page.locator(DIALOG).is_visible()
    await page.locator("nav form button").click()
    await page.wait_for_url("**/sign-in")


async def test_anybody_can_read_and_reach_what_staff_need(chromium: Browser, houses: MakeHouse) -> None:
    """Every page of it at 320 pixels: no barrier, nothing wider than the screen, nothing too small to hit."""
    house = await houses(COPAGE_SECOND_STEP="required")
    context = await chromium.new_context(viewport=SMALL)
    page = await context.new_page()
    async for screen in staff_screens(page, house):
        assert await barriers(page) == [], screen.name
        assert await page.evaluate("document.documentElement.scrollWidth") <= SMALL["width"], screen.name
        assert await page.evaluate(TOO_SMALL) == [], screen.name
    await context.close()


TOO_SMALL = """() => [...document.querySelectorAll("button, .button, summary, select, input, .tick")]
  .filter((each) => each.checkVisibility() && each.type !== "checkbox" && each.type !== "hidden")
  .filter((each) => each.getBoundingClientRect().height < 44)
  .map((each) => each.outerHTML)"""
