"""The closing page: what they looked at, to be copied or printed, for a day."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from tests.browser.people import HOME, PAGES, real_session
from tests.house import House

if TYPE_CHECKING:
    from playwright.async_api import Browser

IN_WORDS = re.compile(r"[A-Z][a-z]{2} \d{1,2}, \d{4}, \d{1,2}:\d\d\s[AP]M")
COUNTS_PRINTS = "window.prints = 0; window.print = () => { window.prints += 1; };"


async def test_it_can_be_copied_printed_and_taken_off(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        await robin.context.grant_permissions(["clipboard-read", "clipboard-write"])
        await robin.page.add_init_script(COUNTS_PRINTS)
        titles = []
        for page in (PAGES[0], HOME, PAGES[1]):
            await kim.opens(page)
            await asyncio.gather(kim.sees(page), robin.sees(page))
            if page != HOME:
                titles.append(await robin.page.locator("article h1").inner_text())
        await kim.presses("[data-copage=end-box] summary")
        await kim.presses("[data-copage=end] button")
        await robin.page.locator("[data-copage=print]").wait_for()
        assert IN_WORDS.search(await robin.page.locator("#made time").inner_text())
        await robin.presses("[data-copage=copy]")
        await robin.page.locator("[data-copage=copy]:text-is('Copied')").wait_for()
        copied = str(await robin.page.evaluate("navigator.clipboard.readText()"))
        lines = [line for line in copied.splitlines() if line]
        assert lines[0] == "What you looked at together"
        assert IN_WORDS.search(lines[1])
        assert lines[2].startswith("Who was here: ") and "Kim, nurse" in lines[2] and "Robin" in lines[2]
        assert lines[3:] == titles
        await robin.presses("[data-copage=print]")
        assert await robin.page.evaluate("window.prints") == 1
        await robin.page.emulate_media(media="print")
        for part in ("button", ".bar"):
            assert await robin.page.locator(part).locator("visible=true").count() == 0
        await robin.page.emulate_media(media="screen")
        address = robin.page.url
        await robin.presses("main form[action$='/leave'] button")
        await robin.page.wait_for_url("**/left")
        await robin.page.goto(address)
        assert titles[0] not in await robin.page.content()
        await kim.page.locator("#made").wait_for()
        await kim.presses("a[href='/desk']")
        await kim.page.get_by_text("Nobody is waiting.").wait_for()
