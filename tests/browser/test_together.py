"""A whole session on the screens of two people."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.browser.people import (
    CURTAIN,
    HOME,
    PAGES,
    practice,
    practice_addresses,
    practice_windows,
    real_session,
    same_for,
)
from tests.house import House
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

FIRST, SECOND, THIRD = PAGES[:3]
CUT_OFF = "() => fetch('/health/live').then(() => false, () => true)"


async def test_either_opens_a_page_and_both_are_there(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        opened = await sam.looks()
        assert opened is not None
        await sam.is_told(f"Alex opened “{opened.title}”.")
        await sam.opens(HOME)
        await asyncio.gather(alex.sees(HOME), sam.sees(HOME))
        await same_for(alex, sam)
        assert alex.complaints + sam.complaints == []


async def test_a_worker_and_a_person_with_a_phone_in_a_real_session(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        await asyncio.gather(kim.is_told_of(robin, "here"), robin.is_told_of(kim, "here"))
        await robin.opens(SECOND)
        await asyncio.gather(kim.sees(SECOND), robin.sees(SECOND))
        await kim.opens(HOME)
        await asyncio.gather(kim.sees(HOME), robin.sees(HOME))
        await same_for(kim, robin)
        assert kim.complaints + robin.complaints == []
        for person in (kim, robin):
            assert "Kim" not in await person.page.title()
            assert "Robin" not in await person.page.title()


async def test_practice_says_that_it_is_practice(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as both:
        for person in both:
            sight = await person.looks()
            assert sight is not None and "practice" in sight.text.lower()
    async with real_session(chromium, house) as both:
        for person in both:
            sight = await person.looks()
            assert sight is not None and "practice" not in sight.text.lower()


async def test_back_is_a_move_of_ones_own(chromium: Browser, house: House) -> None:
    """[PG4] By the page's button and by the browser's, and it moves nobody else. What the partner opened is nothing to
    go back through."""
    async with practice(chromium, house) as (alex, sam):
        await alex.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        await alex.opens(HOME)
        await asyncio.gather(alex.sees(HOME), sam.sees(HOME))
        await sam.opens(SECOND)
        await asyncio.gather(alex.sees(SECOND), sam.sees(SECOND))
        await alex.goes_back()
        await asyncio.gather(alex.sees(HOME), sam.is_told_of(alex, "looking on their own"))
        await alex.page.go_back(wait_until="commit")
        await asyncio.gather(alex.sees(FIRST), sam.sees(SECOND))
        await alex.goes_along()
        await alex.sees(SECOND)
        await same_for(alex, sam)
        await alex.page.go_back(wait_until="commit")
        await asyncio.gather(alex.sees(FIRST), sam.sees(SECOND))


async def test_a_page_turned_by_the_partner_is_no_entry_in_my_history(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        entries = await sam.page.evaluate("history.length")
        for page in (FIRST, HOME, SECOND):
            await alex.opens(page)
            await asyncio.gather(alex.sees(page), sam.sees(page))
        assert await sam.page.evaluate("history.length") == entries
        assert await alex.page.evaluate("history.length") == entries + 3


async def test_the_list_says_who_is_here_who_is_not_connected_and_who_has_left(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        await kim.is_told_of(robin, "here")
        await robin.drops()
        await asyncio.gather(robin.is_told_not_connected(), kim.is_told_of(robin, "not connected"))
        await robin.comes_back()
        await asyncio.gather(robin.is_told_connected(), kim.is_told_of(robin, "here"))
        await robin.leaves()
        await kim.is_told_of(robin, "has left")
        await kim.is_told_connected()


async def test_leave_now_works_at_once_without_a_network(chromium: Browser, house: House) -> None:
    """In the same frame the words of the session are gone and so is the right to come back."""
    async with real_session(chromium, house) as (kim, robin):
        await robin.drops()
        await robin.page.wait_for_function(CUT_OFF)
        address = robin.page.url
        at_once = await robin.page.evaluate(
            """() => {
              document.querySelector("form[data-copage=leave] button").click();
              return {cookies: document.cookie, articles: document.querySelectorAll("article").length,
                      words: document.body.innerText};
            }"""
        )
        assert at_once["cookies"] == ""
        assert at_once["articles"] == 0
        assert "You have left" in at_once["words"]
        assert "Kim" not in at_once["words"]
        await kim.is_told_of(robin, "not connected")
        await robin.comes_back()
        await kim.is_told_of(robin, "has left")
        await robin.page.wait_for_url("**/left")
        await until(lambda: _cookieless(robin.context), "the ticket's cookies to go")
        await robin.page.goto(address)
        sight = await robin.looks()
        assert sight is not None and not sight.article


async def _cookieless(context: BrowserContext) -> bool:
    return not any("copage_" in str(cookie.get("name")) for cookie in await context.cookies())


async def test_ending_for_everyone_asks_first_and_then_ends_it_for_both(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin):
        assert await robin.page.locator("[data-copage=end]").count() == 0
        await kim.presses("[data-copage=end-box] summary")
        await kim.presses("[data-copage=end-cancel]")
        await kim.page.locator("[data-copage=end] button").wait_for(state="hidden")
        await kim.presses("[data-copage=end-box] summary")
        await kim.presses("[data-copage=end] button")
        for person in (kim, robin):
            await person.waits_until(
                lambda sight: "The session is over" in sight.text and not sight.article, "that it is over"
            )
            await person.page.locator("[data-copage=print]").wait_for()  # The closing page, after the cover.


async def test_help_is_there_without_a_network(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (_, sam):
        await sam.drops()
        await sam.is_told_not_connected()
        await sam.presses("summary:has-text('Help now')")
        await sam.page.get_by_text("The emergency number of your country").locator("visible=true").wait_for()


async def test_without_script_a_session_is_complete(chromium: Browser, house: House) -> None:
    """A page is turned by a form, the partner's page is there after loading again, and leaving works."""
    async with practice_windows(chromium, house, java_script_enabled=False) as (alex, sam):
        for each in (alex, sam):
            await each.page.locator(f"article[data-page='{HOME}']").wait_for()
            assert await each.page.locator("[data-needs-script]").locator("visible=true").count() == 0
        await alex.opens(FIRST)
        await alex.page.locator(f"article[data-page='{FIRST}']").wait_for()
        await sam.page.reload()
        await sam.page.locator(f"article[data-page='{FIRST}']").wait_for()
        await sam.opens(HOME)
        await sam.page.locator(f"article[data-page='{HOME}']").wait_for()
        await sam.leaves()
        await sam.page.wait_for_url("**/left")
        await alex.page.reload()
        await alex.page.locator("[data-copage=people]").get_by_text("has left").wait_for()
        await alex.presses("[data-copage=end-box] summary")
        await alex.presses("[data-copage=end] button")
        await alex.page.get_by_text("The session is over").wait_for()


async def test_one_with_script_and_one_without_are_in_the_same_session(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        state = await sam.context.storage_state()
        plain = await chromium.new_context(java_script_enabled=False, storage_state=state)
        try:
            window = await plain.new_page()
            await window.goto(sam.page.url)
            await window.locator(f"button[name=page][value='{FIRST}']").first.click()
            await window.locator(f"article[data-page='{FIRST}']").wait_for()
            await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        finally:
            await plain.close()


async def test_two_tickets_in_one_cookie_jar_do_not_mix(chromium: Browser, house: House) -> None:
    """Three practices in one browser: each window stays in its own session, under its own name."""
    async with practice(chromium, house) as (alex, sam):
        others = await practice_addresses(sam.context, house)
        assert len({alex.ticket, sam.ticket, *others}) == 4
        for person, name in ((alex, "Alex (you)"), (sam, "Sam (you)")):
            sight = await person.looks()
            assert sight is not None and (name, "here") in sight.people
        cookies = await sam.context.cookies(sam.page.url)
        assert {str(cookie.get("name")) for cookie in cookies} == {f"copage_{sam.ticket}", f"copage_here_{sam.ticket}"}
        await alex.leaves()
        await alex.page.wait_for_url("**/left")
        await sam.is_told_of(alex, "has left")
        await sam.opens(THIRD)
        await sam.sees(THIRD)
        stranger = await sam.context.new_page()
        await stranger.goto(others[1])
        await stranger.locator(CURTAIN).click()
        await stranger.locator(f"article[data-page='{HOME}']").wait_for()


async def test_a_name_is_text_whatever_it_looks_like(chromium: Browser, house: House) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    async with real_session(chromium, house, other=hostile) as (kim, robin):
        for person in (kim, robin):
            await person.waits_until(lambda sight: any(hostile in name for name, _ in sight.people), "the name")
            assert await person.page.locator("img[src=x]").count() == 0
        await robin.opens(FIRST)
        await asyncio.gather(kim.sees(FIRST), robin.sees(FIRST))
        sight = await kim.looks()
        assert sight is not None
        await kim.is_told(f"{hostile} opened “{sight.title}”.")
        await kim.page.reload()
        await kim.is_told_connected()
        assert await kim.page.locator("img[src=x]").count() == 0
        assert kim.complaints + robin.complaints == []


async def test_the_browser_itself_refuses_html_that_is_not_ours(chromium: Browser, house: House) -> None:
    """Content Security Policy and Trusted Types are on, so a mistake of ours would not become somebody's script."""
    async with practice_windows(chromium, house) as (alex, _):
        await alex.is_told_connected()
        said = await alex.page.evaluate(
            """() => {
              try { document.createElement("div").innerHTML = "<b>x</b>"; return "taken" }
              catch (error) { return error.name }
            }"""
        )
        assert said == "TypeError"
        assert any("TrustedHTML" in each for each in alex.mistakes)
        alex.complaints.clear()
