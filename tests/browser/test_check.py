"""/check says, without signing in, whether this browser and network can hold a session."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.people import Person
from tests.house import House
from tests.proxy import Proxy, WebSockets

if TYPE_CHECKING:
    from playwright.async_api import Browser

RESULT = "[data-copage=check-result]"


async def test_all_is_well(chromium: Browser, house: House) -> None:
    context = await chromium.new_context()
    try:
        person = Person("Robin", await context.new_page())
        await person.goes_to(f"{house.url}/check")
        await person.page.locator(f"{RESULT}[data-state=good]").wait_for()
        sight = await person.looks()
        assert sight is not None
        assert "Everything works. You can hold a session here." in sight.text
        assert "The fast connection works." in sight.text
        assert await person.page.locator("[data-check]").count() == 4
        assert person.complaints == []
        assert await context.cookies() == []
    finally:
        await context.close()


@pytest.mark.parametrize("what", [WebSockets.REFUSED, WebSockets.HANGING, WebSockets.SILENT])
async def test_without_websockets_it_is_slower(what: WebSockets, chromium: Browser, far: tuple[House, Proxy]) -> None:
    house, network = far
    network.websockets = what
    context = await chromium.new_context()
    try:
        person = Person("Robin", await context.new_page())
        await person.goes_to(f"{house.url}/check")
        await person.page.locator(f"{RESULT}[data-state=slower]").wait_for()
        sight = await person.looks()
        assert sight is not None
        assert "You can hold a session here. It may be a little slower." in sight.text
        network.mend()
        await person.presses("[data-copage=check-again]")
        await person.page.locator(f"{RESULT}[data-state=good]").wait_for()
    finally:
        await context.close()


async def test_without_a_network_it_says_what_to_do(chromium: Browser, house: House) -> None:
    context = await chromium.new_context()
    try:
        person = Person("Robin", await context.new_page())
        await person.goes_to(f"{house.url}/check")
        await person.page.locator(f"{RESULT}[data-state=good]").wait_for()
        await person.drops()
        await person.presses("[data-copage=check-again]")
        await person.page.locator(f"{RESULT}[data-state=not]").wait_for()
        sight = await person.looks()
        assert sight is not None and "Try another network" in sight.text
    finally:
        await context.close()


async def test_without_script_it_says_that_sessions_work_all_the_same(chromium: Browser, house: House) -> None:
    context = await chromium.new_context(java_script_enabled=False)
    try:
        page = await context.new_page()
        await page.goto(f"{house.url}/check")
        assert "A session works all the same." in await page.locator("main").inner_text()
    finally:
        await context.close()
