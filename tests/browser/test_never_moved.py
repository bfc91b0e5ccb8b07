"""A reader is never moved: whoever is busy is asked, who is on their own is told to nobody, and no time moves a page.

What happens on the wire is counted in the frames that the browser sends.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from statistics import quantiles
from typing import Any

import pytest
from playwright.async_api import Browser, WebSocket

from tests.browser.people import CONTENT, HOME, PAGES, PHONE, Person, practice, same_for
from tests.conftest import Amount
from tests.house import House
from tests.proxy import Proxy
from tests.waiting import until

FIRST, SECOND = PAGES[0], PAGES[1]
TITLES = {page_id: page.title for page_id, page in CONTENT.pages.items()}
CARD = "[data-question=turned]"
GO, STAY, ALWAYS = (f"{CARD} button >> nth={nth}" for nth in range(3))
SCROLLED = "Math.round(window.scrollY)"


class Frames:
    """What this window sends, from now on."""

    def __init__(self, person: Person) -> None:
        self.sent: list[tuple[str, Any]] = []
        person.page.on("websocket", self._opened)

    def _opened(self, socket: WebSocket) -> None:
        socket.on("framesent", self._note)

    def _note(self, frame: str | bytes) -> None:
        if isinstance(frame, str) and frame.startswith("42"):
            self.sent.append(tuple(json.loads(frame[2:])))

    def named(self, *names: str) -> list[Any]:
        return [payload for name, payload in self.sent if name in names]


@asynccontextmanager
async def alex_and_sams_phone(browser: Browser, house: House) -> AsyncIterator[tuple[Person, Person]]:
    async with practice(browser, house) as (alex, sam):
        await sam.page.set_viewport_size(PHONE)
        yield alex, sam


async def scrolls(person: Person, by: int) -> None:
    await person.page.mouse.move(200, 500)
    await person.page.mouse.wheel(0, by)


async def touches(sam: Person) -> None:
    await sam.page.locator("article[data-page] [data-block] >> nth=1").dispatch_event(
        "pointerdown", {"pointerType": "touch", "clientX": 100, "clientY": 400}
    )


async def types(sam: Person) -> None:
    await sam.page.locator("textarea").first.press_sequentially("so ")


async def scrolls_a_little(sam: Person) -> None:
    await scrolls(sam, 3)


async def selects(sam: Person) -> None:
    await sam.page.evaluate(
        """() => {
          const words = document.querySelectorAll("article [data-block]")[1].firstChild;
          getSelection().setBaseAndExtent(words, 2, words, 9);
          document.dispatchEvent(new Event("selectionchange"));
        }"""
    )


async def plays(sam: Person) -> None:
    await sam.page.evaluate("document.querySelector('article').dispatchEvent(new Event('play'))")


BUSY: tuple[Callable[[Person], Awaitable[None]], ...] = (types, touches, scrolls_a_little, selects, plays)


@pytest.mark.timeout(600)
async def test_pg5_who_is_busy_is_not_moved_by_a_pixel(chromium: Browser, house: House, amount: Amount) -> None:
    turns, wheels = amount(10, 50), 4
    opened = HOME
    moved: list[int] = []
    async with alex_and_sams_phone(chromium, house) as (alex, sam):
        await sam.opens(FIRST)
        await asyncio.gather(alex.sees(FIRST), sam.sees(FIRST))
        await scrolls(sam, 300)
        await sam.page.wait_for_function("window.scrollY > 100")
        elsewhere = [page for page in PAGES if page != FIRST]
        for nth in range(turns):
            await BUSY[nth % len(BUSY)](sam)
            await _settled(sam)
            before = await sam.page.evaluate(SCROLLED)
            opened = HOME if nth % 2 == 0 else elsewhere[nth // 2 % len(elsewhere)]
            await alex.opens(opened)
            await alex.sees(opened)
            for turn in range(wheels):
                await scrolls(alex, 120 if turn % 2 else -120)
            await sam.hears(TITLES[opened])
            after = await sam.page.evaluate(SCROLLED)
            moved.append(abs(after - before))
            sight = await sam.looks()
            assert sight is not None and sight.page == FIRST
            assert await sam.page.locator(CARD).count() == 1
        print(f"{turns} page turns and {turns * wheels} scrolls: moved by {max(moved)} px at most")
        assert max(moved) == 0
        await sam.presses(GO)
        await sam.sees(opened)
        await same_for(alex, sam)


async def _settled(person: Person) -> None:
    """A movement that has begun comes to its end."""
    before = -1
    while before != (before := await person.page.evaluate(SCROLLED)):
        await person.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


async def test_pg5_a_card_waits_however_long_it_takes(chromium: Browser, house: House) -> None:
    """An hour passes on the page's clocks and timers. Then each of the answers does what it says."""
    async with alex_and_sams_phone(chromium, house) as (alex, sam):
        await _an_hour_passes(alex, sam)
        await sam.presses(STAY)
        await sam.page.locator("[data-copage=alone-bar]").wait_for()
        # For Sam's window an hour went by in seconds, so its line has broken meanwhile ([PR5]).
        await alex.is_told_of(sam, "looking on their own", 30)
        await sam.goes_along()
        await asyncio.gather(sam.sees(FIRST), alex.is_told_of(sam, "here"))
        await alex.opens(HOME)
        await asyncio.gather(alex.sees(HOME), sam.sees(HOME))
        await touches(sam)
        await alex.opens(SECOND)
        await sam.presses(ALWAYS)
        await sam.goes_along()
        await sam.sees(SECOND)
        await alex.opens(HOME)
        await sam.page.locator(CARD).wait_for()
        await sam.page.reload(wait_until="commit")
        await sam.sees(HOME)
        await alex.opens(SECOND)
        await sam.page.locator(CARD).wait_for()
        await sam.presses(GO)
        await sam.sees(SECOND)


async def test_pg5_a_timer_that_let_a_card_go_would_be_noticed(chromium: Browser, house: House) -> None:
    """As if somebody had given a card half an hour."""
    async with alex_and_sams_phone(chromium, house) as (alex, sam):
        await sam.page.clock.install()
        await touches(sam)
        await alex.opens(FIRST)
        await sam.page.locator(CARD).wait_for()
        await sam.page.evaluate(f"""setTimeout(() => document.querySelector("{CARD} button").click(), 1_800_000)""")
        with pytest.raises(AssertionError, match="a timer moved the page"):
            await _nothing_moves_in_an_hour(sam, HOME)


async def _an_hour_passes(alex: Person, sam: Person) -> None:
    await sam.page.clock.install()
    await touches(sam)
    await alex.opens(FIRST)
    await sam.page.locator(CARD).wait_for()
    await _nothing_moves_in_an_hour(sam, HOME)


async def _nothing_moves_in_an_hour(sam: Person, page: str) -> None:
    for _ in range(60):
        await sam.page.clock.run_for(60_000)
        shown = await sam.page.locator("article[data-page]").get_attribute("data-page")
        assert shown == page and await sam.page.locator(CARD).count(), "a timer moved the page"


@pytest.mark.parametrize(("delay", "bound"), [(0.0, 0.3), (0.15, 0.8)], ids=["loopback", "far"])
async def test_pg2_who_is_idle_and_along_is_there_soon(
    delay: float, bound: float, chromium: Browser, far: tuple[House, Proxy], amount: Amount
) -> None:
    """The figures of the bar are those of the long run; in between it is printed only."""
    house, network = far
    took: list[float] = []
    async with practice(chromium, house) as (alex, sam):
        network.delay = delay
        for nth in range(amount(6, 40)):
            page = HOME if nth % 2 else FIRST
            began = time.monotonic()
            await alex.opens(page)
            both = await asyncio.gather(alex.sees(page), sam.sees(page))
            took.append(max(both) - began)
    p95 = quantiles(took, n=20)[-1]
    print(f"{delay * 1000:.0f} ms each way: both on the page p95 {p95 * 1000:.0f} ms (at most {bound * 1000:.0f})")
    if len(took) >= 40:
        assert p95 <= bound


async def test_pg6_on_their_own_nothing_of_page_or_place_is_sent(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        frames = Frames(sam)
        await sam.page.reload(wait_until="commit")
        await sam.is_told_connected()
        await scrolls(sam, 200)
        await until(lambda: frames.named("place"), "a place to be shown")
        await sam.looks_alone()
        await alex.is_told_of(sam, "looking on their own")
        frames.sent.clear()
        for page in (FIRST, HOME, SECOND):
            await sam.opens(page)
            await sam.sees(page)
            await scrolls(sam, 200)
            await _settled(sam)
        await sam.page.go_back(wait_until="commit")
        await sam.goes_back()
        await sam.page.reload(wait_until="commit")
        await sam.is_told_connected()
        await sam.sees(FIRST)
        assert await sam.page.locator("[data-copage=alone-bar]").is_visible()
        sight = await alex.looks()
        assert sight is not None and sight.page == HOME
        sent = [(name, payload) for name, payload in frames.sent if name not in ("mine", "digests")]
        assert sent == []
        await sam.goes_along()
        await sam.sees(HOME)
        await same_for(alex, sam)
