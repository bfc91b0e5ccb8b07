"""The door and the desk on three screens: a worker, the person with a phone, and a colleague."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from tests.browser.people import (
    DESKTOP,
    HOME,
    PAGES,
    PHONE,
    Person,
    makes_account,
    new_login,
    no_mistakes,
    real_session,
    starts_session,
)
from tests.house import House
from tests.visitor import Visitor
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Route

TAPS_AT_MOST = 3
FIRST_TIME_AT_MOST = 15.0
"""Seconds from the link to the shared page, for a phone that has never been here."""
SLOW_LINE = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}
"""400 kbit/s, 400 ms until an answer begins."""
OUT_AT_MOST = 1.0
GAP = """
    document.querySelector("[data-copage=notice]").getBoundingClientRect().top
        - document.querySelector(".top").getBoundingClientRect().bottom
"""
MINUTE = 60_000
COUNTS_CHIMES = """
  window.chimes = 0;
  window.AudioContext = class extends AudioContext {
    constructor() { super(); window.chimes += 1; }
  };
"""


@asynccontextmanager
async def desktop(browser: Browser, house: House, name: str) -> AsyncIterator[Person]:
    """A new account, at its desk."""
    context = await browser.new_context(viewport=DESKTOP)
    try:
        page = await context.new_page()
        await page.add_init_script(COUNTS_CHIMES)
        await makes_account(page, house.new_link(), name, "nurse")
        worker = Person(f"{name}, nurse", page)
        yield worker
        no_mistakes(worker)
    finally:
        await context.close()


@asynccontextmanager
async def phone(browser: Browser, name: str) -> AsyncIterator[Person]:
    context = await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    try:
        person = Person(name, await context.new_page(), taps=True)
        yield person
        no_mistakes(person)
    finally:
        await context.close()


# --- in three taps ---


async def test_from_sign_in_to_the_invitation_in_three_taps(chromium: Browser, house: House) -> None:
    login = new_login()
    async with Visitor(house) as visitor:
        await visitor.makes_account(login, "Kim", "nurse")
    context = await chromium.new_context(viewport=DESKTOP)
    try:
        kim = Person("Kim", await context.new_page())
        await kim.goes_to(f"{house.url}/sign-in")
        await kim.page.locator("[name=login]").fill(login)
        await kim.page.locator("[name=password]").fill("four words in a row")
        began = time.monotonic()
        await kim.presses("main form button")
        await kim.page.wait_for_url("**/desk")
        await kim.presses("form[action='/desk/sessions'] button")
        for part in ("input[value*='/join/']", "[data-copage=copy]", ".code"):
            await kim.page.locator(part).first.wait_for()
            box = await kim.page.locator(part).first.bounding_box()
            assert box is not None and box["y"] + box["height"] <= DESKTOP["height"], f"{part} is not on the screen"
        took = time.monotonic() - began
        print(f"signed in, to an invitation on the screen: {kim.pressed} taps (at most {TAPS_AT_MOST}), {took:.1f} s")
        assert kim.pressed <= TAPS_AT_MOST
    finally:
        await context.close()


async def test_a_phone_that_was_never_here_on_a_slow_line(chromium: Browser, house: House) -> None:
    """From the link: a name, one tap, and Kim's one tap. The waiting page goes in by itself."""
    async with desktop(chromium, house, "Kim") as kim, phone(chromium, "Robin") as robin:
        link = await starts_session(kim.page)
        devtools = await robin.context.new_cdp_session(robin.page)
        await devtools.send("Network.enable")
        await devtools.send("Network.emulateNetworkConditions", SLOW_LINE)
        kim.pressed = 0
        began = time.monotonic()
        await robin.knocks(link, "Robin")
        knocked = time.monotonic()
        await kim.admits("Robin")
        admitted = time.monotonic()
        await robin.sees(HOME, 20)
        shared = await robin.is_told_connected(20)
        print(
            f"a phone on 400 kbit/s, 400 ms: at the door's other side after {knocked - began:.1f} s, let in after "
            f"{admitted - began:.1f} s, the shared page {shared - began:.1f} s after the link "
            f"(at most {FIRST_TIME_AT_MOST:.0f} s), {robin.pressed} tap and {kim.pressed} of the worker"
        )
        assert shared - began <= FIRST_TIME_AT_MOST
        assert (robin.pressed, kim.pressed) == (1, 1)
        await kim.is_told_of(robin, "here")
        await robin.opens(PAGES[0])
        await asyncio.gather(kim.sees(PAGES[0]), robin.sees(PAGES[0]))


# --- waiting ---


async def test_who_reads_meanwhile_is_told_and_not_moved(chromium: Browser, house: House) -> None:
    async with desktop(chromium, house, "Kim") as kim, phone(chromium, "Robin") as robin:
        await robin.knocks(await starts_session(kim.page), "Robin")
        await kim.presses("[data-arrival] [data-part=sentence] summary")
        await kim.page.locator("[name=sentence]").fill("Five <b>minutes</b> more.")
        await kim.presses("form[action$='/sentence'] button")
        await robin.waits_until(
            lambda sight: "A message from Kim, nurse: Five <b>minutes</b> more." in sight.text, "Kim's sentence"
        )
        await robin.presses("main a.choice")
        await robin.page.locator("article h1").wait_for()
        reads = robin.page.url
        await kim.admits("Robin")
        await robin.page.locator("[data-copage=let-in]").wait_for()
        async with robin.page.expect_response("**/news"):
            """Asked once more, and still not moved."""
        assert robin.page.url == reads
        await robin.page.mouse.wheel(0, 5000)
        await robin.page.wait_for_function("() => scrollY > 200")
        box = await robin.page.locator("[data-copage=let-in] a").bounding_box()
        assert box is not None and 0 <= box["y"] <= PHONE["height"], "whoever has read on does not see it"
        await robin.presses("[data-copage=let-in] a")
        await robin.sees(HOME)
        await robin.is_told_connected()


async def test_kind_words_after_5_and_15_minutes(chromium: Browser, house: House) -> None:
    async with desktop(chromium, house, "Kim") as kim, phone(chromium, "Robin") as robin:
        await robin.page.clock.install()
        await robin.knocks(await starts_session(kim.page), "Robin")
        first, second = robin.page.locator("[data-copage=later-1]"), robin.page.locator("[data-copage=later-2]")
        await robin.page.clock.fast_forward(4 * MINUTE)
        async with robin.page.expect_response("**/news"):
            """So the page has thought of it again."""
        assert not await first.is_visible() and not await second.is_visible()
        await robin.page.clock.fast_forward(MINUTE)
        await first.wait_for()
        assert "You have done everything right." in await first.inner_text()
        await robin.page.clock.fast_forward(10 * MINUTE)
        await second.wait_for()
        await first.wait_for(state="hidden")
        words = await second.inner_text()
        assert "Thank you for waiting so long." in words and "Your clinic" in words


async def test_turned_away_kindly(chromium: Browser, house: House) -> None:
    async with desktop(chromium, house, "Kim") as kim, phone(chromium, "Robin") as robin:
        await robin.knocks(await starts_session(kim.page), "Robin")
        await kim.presses("[data-arrival] [data-part=not-today] summary")
        await kim.presses("[data-arrival] form[action$='/turn-away'] button")
        await robin.waits_until(lambda sight: "You have done nothing wrong." in sight.text, "that it does not work out")


# --- the desk ---


async def test_the_desk_shows_counts_and_sounds_who_comes(chromium: Browser, house: House) -> None:
    """Without loading again; and what Kim is writing stays, with the keyboard in it."""
    async with (
        desktop(chromium, house, "Kim") as kim,
        phone(chromium, "Robin") as robin,
        phone(chromium, "Noor") as noor,
    ):
        link = await starts_session(kim.page)
        await kim.presses("nav a[href='/desk']")
        await kim.page.get_by_text("Nobody is waiting.").wait_for()
        await kim.page.evaluate("window.stayed = true")
        title = await kim.page.title()
        await robin.knocks(link, "Robin")
        await kim.page.locator("[data-arrival]").wait_for()
        await until(lambda: _is_titled(kim, f"(1) {title}"), "the number in the title")
        assert await kim.page.evaluate("window.chimes") == 1
        await kim.presses("[data-arrival] [data-part=sentence] summary")
        await kim.page.locator("[name=sentence]").press_sequentially("Five minutes")
        await noor.knocks(link, "Noor")
        await kim.page.locator("[data-arrival] h3:text-is('Noor')").wait_for()
        await until(lambda: _is_titled(kim, f"(2) {title}"), "the number in the title")
        assert await kim.page.evaluate("window.chimes") == 2
        await kim.page.keyboard.type(" more.")
        assert await kim.page.locator("[name=sentence]").first.input_value() == "Five minutes more."
        await kim.page.locator("h1").click()
        await noor.presses("[data-copage=leave] button")
        await noor.page.wait_for_url("**/left")
        await kim.page.locator("[data-arrival] h3:text-is('Noor')").wait_for(state="detached")
        assert await kim.page.locator("[name=sentence]").input_value() == "Five minutes more."
        await kim.presses("form[action$='/sentence'] button")
        await robin.waits_until(lambda sight: "Five minutes more." in sight.text, "the sentence")
        assert await kim.page.evaluate("window.stayed") is None, "sending it led to the room's page"


async def test_who_comes_as_another_one_leaves_is_heard_and_without_sound_still_seen(
    chromium: Browser, house: House
) -> None:
    async with desktop(chromium, house, "Kim") as kim, phone(chromium, "Robin") as robin:
        link = await starts_session(kim.page)
        marks = ["RobinsId0", "RobinsId1", "NoorsId_0"]  # Robin's page is opened; then Noor is there, and Robin is not.

        async def one_waits(route: Route) -> None:
            mark = marks.pop(0) if len(marks) > 1 else marks[0]
            await route.fulfill(status=200, json={"count": 1, "mark": mark})

        await kim.page.route("**/desk/arrivals", one_waits)
        await kim.presses("nav a[href='/desk']")
        await until(lambda: kim.page.evaluate("window.chimes > 0"), "the sound")
        assert marks == ["NoorsId_0"] and await kim.page.evaluate("window.chimes") == 1
        await kim.page.unroute("**/desk/arrivals")
        await kim.page.evaluate("window.AudioContext = undefined")
        await robin.knocks(link, "Robin")
        await kim.page.locator("[data-arrival] h3:text-is('Robin')").wait_for()


async def _is_titled(person: Person, title: str) -> bool:
    return await person.page.title() == title


async def test_two_workers_of_one_team_see_the_same_door(chromium: Browser, house: House) -> None:
    """Ada is in the team from now on: her desk shows who is there, until Kim has let them in."""
    async with (
        desktop(chromium, house, "Kim") as kim,
        desktop(chromium, house, "Ada-Louise") as ada,
        phone(chromium, "Robin") as robin,
    ):
        link = await starts_session(kim.page)
        room = kim.page.url
        await robin.knocks(link, "Robin")
        await ada.page.reload()
        await ada.page.get_by_text("Nobody is waiting.").wait_for()
        await kim.goes_to(room.replace("/desk/rooms/", "/admin/rooms/"))
        await kim.page.locator("#account").select_option(label="Ada-Louise, nurse")
        await kim.presses("form[action$='/add'] button")
        await ada.page.locator("[data-arrival] h3:text-is('Robin')").wait_for()
        await kim.goes_to(room)
        await kim.admits("Robin")
        await ada.page.locator("[data-arrival]").wait_for(state="detached")
        await ada.page.get_by_text("Nobody is waiting.").wait_for()
        await ada.page.reload()
        await ada.presses("main a[href^='/desk/rooms/']")
        await ada.presses("form[action$='/enter'] button")
        await asyncio.gather(ada.is_told_of(robin, "here"), kim.is_told_of(ada, "here"), robin.is_told_of(ada, "here"))


async def test_inside_a_session_the_desk_is_a_number_and_one_tap_away(chromium: Browser, house: House) -> None:
    async with real_session(chromium, house) as (kim, robin), phone(chromium, "Noor") as noor:
        desk = await kim.context.new_page()
        await desk.goto(f"{house.url}/desk")
        await noor.knocks(await starts_session(desk), "Noor")
        await desk.close()
        began = time.monotonic()
        await kim.waits_until(lambda sight: "One person waits at your desk." in sight.text, "that one person waits")
        print(f"inside a session, a number {time.monotonic() - began:.1f} s after somebody knocked elsewhere")
        for person in (kim, robin):
            assert "Noor" not in await person.page.content()
        assert "at your desk" not in await robin.page.locator("body").inner_text()
        kim.pressed = 0
        async with kim.context.expect_page() as opened:
            await kim.presses("a[href='/desk']")
        beside = await opened.value
        await beside.locator("[data-arrival] h3:text-is('Noor')").wait_for()
        assert kim.pressed == 1
        assert "Robin" not in await beside.content()
        await kim.is_told_of(robin, "here")
        await beside.close()
        await kim.page.set_viewport_size({"width": 320, "height": 640})
        await kim.presses("summary:has-text('This is not Robin')")
        await kim.presses("form[data-copage=remove] button")
        await kim.is_told("Robin is not in the session any more")
        await kim.page.evaluate("scrollTo(0, document.body.scrollHeight)")
        assert await kim.page.evaluate(GAP) >= 0, "what is said stands below the moves, in however many lines"


# --- the invitation ---


async def test_the_message_is_copied_as_it_was_changed(chromium: Browser, house: House) -> None:
    async with desktop(chromium, house, "Kim") as kim:
        await kim.context.grant_permissions(["clipboard-read", "clipboard-write"])
        link = await starts_session(kim.page)
        await kim.presses("[data-copage=copy]")
        await kim.page.locator("[data-copage=copy]:text-is('Copied')").wait_for()
        assert await kim.page.evaluate("navigator.clipboard.readText()") == link
        await kim.presses("details:has(textarea) summary")
        message = kim.page.locator("textarea")
        assert link in await message.input_value()
        assert not re.search(r"clinic|health|therap|Our page", (await message.input_value()).replace(link, ""))
        await message.fill(f"Dear Robin, {link}")
        await kim.presses("details:has(textarea) [data-copage=copy]")
        await kim.page.locator("details [data-copage=copy]:text-is('Copied')").wait_for()
        assert await kim.page.evaluate("navigator.clipboard.readText()") == f"Dear Robin, {link}"


# --- the wrong person ---


@pytest.mark.parametrize("where", ["in the session", "at the desk"])
async def test_this_is_not_robin(where: str, chromium: Browser, house: House) -> None:
    """Within a second nothing of the session is on the phone, and the plain page stands there."""
    async with real_session(chromium, house) as (kim, robin):
        await kim.opens(PAGES[0])
        await asyncio.gather(kim.sees(PAGES[0]), robin.sees(PAGES[0]))
        worker = kim
        if where == "at the desk":
            worker = Person("Kim", await kim.context.new_page())
            await worker.goes_to(f"{house.url}/desk")
            await worker.presses("main a[href^='/desk/rooms/']")
        await worker.presses("summary:has-text('This is not Robin')")
        began = time.monotonic()
        await worker.presses("form[data-copage=remove] button, form[action$='/people/remove'] button")
        out = await robin.waits_until(lambda sight: not sight.article and "Kim" not in sight.text, "nothing of it")
        print(f"This is not Robin, {where}: off the phone after {out - began:.2f} s (at most {OUT_AT_MOST:.0f} s)")
        assert out - began <= OUT_AT_MOST
        words = "This session is not open on this device any more"
        await robin.waits_until(lambda sight: words in sight.text, "the plain page")
        await kim.is_told_of(robin, "has left")
        await robin.page.go_back()
        await robin.page.reload()
        assert await robin.page.locator("article").count() == 0
