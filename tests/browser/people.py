"""People with a browser window each, who do and see things in words: `alex.opens(page)`, `sam.sees(page)`."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import msgspec
from playwright.async_api import Error as BrowserError

from server.content import load_content
from tests.house import House
from tests.visitor import PASSWORD
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, ViewportSize, WebSocket

CONTENT = load_content()
HOME = CONTENT.pack.home
PAGES = [page.id for page in CONTENT.pages[HOME].choices]
"""The pages that the first one offers."""
DESKTOP: ViewportSize = {"width": 1440, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
HELP = "details.help summary"
CURTAIN = "[data-copage=open-curtain]"
WAITS = "[data-copage=by-itself]"
"""Stands on the waiting page, and on no other."""
ADDRESS = re.compile(r"/s/([\w-]+)")
OF_THE_NETWORK = re.compile(r"net::ERR_|^WebSocket (connection to|is already in CLOSING)|status of (4|5)\d\d")
"""What a browser itself says when an address cannot be reached or refuses."""

LOOK = """() => {
  const part = (name) => document.querySelector(`[data-copage="${name}"]`);
  const words = (element) => (element?.textContent ?? "").trim().replace(/\\s+/g, " ");
  const shown = (element) => Boolean(element?.checkVisibility({visibilityProperty: true}));
  const article = document.querySelector("article[data-page]");
  return {
    path: location.pathname,
    page: article?.dataset.page ?? "",
    title: words(article?.querySelector("h1")),
    article: article?.outerHTML ?? "",
    state: part("state")?.dataset.state ?? "",
    state_words: words(part("state")),
    people: [...(part("people")?.children ?? [])].map((item) => [
      words(item.querySelector("[data-part=name]")), words(item.querySelector("[data-part=state]")),
    ]),
    notice: shown(part("notice")) ? words(part("notice")) : "",
    said: words(part("said")),
    back: part("back") ? !part("back").disabled && shown(part("back")) : false,
    covered: shown(part("covered")) ? words(part("covered")) : "",
    text: document.body?.innerText ?? "",
  };
}"""


class Sight(msgspec.Struct, frozen=True):
    """What a window shows at one moment. `people`: name and state in words, each."""

    path: str
    page: str
    title: str
    article: str
    state: str
    state_words: str
    people: list[tuple[str, str]]
    notice: str
    said: str
    back: bool
    covered: str
    text: str


class Person:
    """Somebody in front of a window of `context`, which may share its cookies with other windows."""

    def __init__(self, name: str, page: Page, *, taps: bool = False) -> None:
        self.name = name
        self.page = page
        self.taps = taps
        self.welcomes: list[Any] = []
        """What the server sent first on each WebSocket of this window."""
        self.sockets = 0
        self.complaints: list[str] = []
        """Errors and warnings that the browser wrote to its console."""
        self.pressed = 0
        """How many taps or clicks it took so far."""
        self.came_at = 0.0
        """When this window last began to load."""
        page.on("console", self._noted)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("websocket", self._opened_socket)

    @property
    def context(self) -> BrowserContext:
        return self.page.context

    @property
    def ticket(self) -> str:
        found = ADDRESS.search(self.page.url)
        assert found, f"{self.name} is at {self.page.url}"
        return found[1]

    @property
    def mistakes(self) -> list[str]:
        """Of the complaints, those that no network explains."""
        return [each for each in self.complaints if not OF_THE_NETWORK.search(each)]

    # --- doing ---

    async def goes_to(self, address: str) -> None:
        self.came_at = time.monotonic()
        await self.page.goto(address, wait_until="commit")

    async def goes_on(self) -> None:
        """Tap the curtain, behind which a page of a session begins in a tab that was not in it a moment ago."""
        await self.presses(CURTAIN)

    async def knocks(self, link: str, name: str) -> None:
        """From an invitation's link to the waiting page."""
        await self.goes_to(link)
        await self.page.locator("input[name=name]").fill(name)
        await self.presses("form[action*='/join/'] button")
        await self.page.locator(WAITS).wait_for()

    async def admits(self, name: str) -> None:
        """At the desk or on a room's page, when somebody of this name is at the door: let them in."""
        await self.presses(f"[data-arrival]:has(h3:text-is({json.dumps(name)})) form[action$='/admit'] button")

    async def opens(self, page: str) -> None:
        """Choose a page that this window offers."""
        await self.presses(f"button[name=page][value='{page}'], a[data-page='{page}']")

    async def presses(self, selector: str) -> None:
        control = self.page.locator(selector).locator("visible=true").first
        await (control.tap() if self.taps else control.click())
        self.pressed += 1

    async def goes_back(self) -> None:
        """By the page's own button."""
        await self.presses("[data-copage=back]")

    async def goes_along(self) -> None:
        """From being on their own to where the others are."""
        await self.presses("[data-copage=go-along]")

    async def looks_alone(self) -> None:
        if not await self.page.locator("[data-copage=ways]").evaluate("(box) => box.open"):
            await self.presses("[data-copage=ways] summary")
        await self.presses("[data-copage=alone]")

    async def leaves(self) -> None:
        await self.presses("form[data-copage=leave] button")

    async def drops(self) -> None:
        """Loses the network, as the browser knows."""
        await self.context.set_offline(True)

    async def comes_back(self) -> float:
        """Gives the moment at which there was a network again."""
        await self.context.set_offline(False)
        return time.monotonic()

    # --- seeing ---

    async def looks(self) -> Sight | None:
        """What is on the screen; None in the moment between two documents."""
        try:
            return msgspec.convert(await self.page.evaluate(LOOK), Sight)
        except BrowserError as error:
            if "context was destroyed" in str(error) or "navigat" in str(error):
                return None
            raise

    async def sees(self, page: str, seconds: float = 10) -> float:
        """Wait for a page to be on the screen. Gives the moment."""
        return await self.waits_until(lambda sight: sight.page == page, f"page {page!r}", seconds)

    async def is_told(self, words: str, seconds: float = 10) -> float:
        """Wait for words in a notice, visible and said to screen readers."""
        return await self.waits_until(
            lambda sight: words in sight.notice and words in sight.said, f"the words “{words}”", seconds
        )

    async def hears(self, words: str, seconds: float = 10) -> float:
        """Wait for words that are said to screen readers."""
        return await self.waits_until(lambda sight: words in sight.said, f"“{words}” said", seconds)

    async def is_told_connected(self, seconds: float = 10) -> float:
        return await self.waits_until(
            lambda sight: (sight.state, sight.state_words) == ("live", "Connected"), "“Connected”", seconds
        )

    async def is_told_not_connected(self, seconds: float = 10) -> float:
        return await self.waits_until(
            lambda sight: sight.state == "not_connected" and sight.state_words.startswith("Not connected."),
            "“Not connected.”",
            seconds,
        )

    async def is_told_of(self, other: Person, state: str, seconds: float = 10) -> float:
        """Wait until the list of people says `state` beside `other`'s name."""
        return await self.waits_until(
            lambda sight: (other.name, state) in sight.people, f"“{other.name} {state}”", seconds
        )

    async def waits_until(self, fits: Callable[[Sight], bool], what: str, seconds: float = 10) -> float:
        """Gives the moment at which what is on the screen fits.

        Raises:
            AssertionError: it does not for `seconds`; with what is there instead.
        """
        last: Sight | None = None

        async def look() -> bool:
            nonlocal last
            last = await self.looks() or last
            return last is not None and fits(last)

        try:
            await until(look, f"{self.name} to see {what}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; there is {_briefly(last)}; {self.complaints}") from None
        return time.monotonic()

    # --- what the browser notes ---

    def _noted(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _opened_socket(self, socket: WebSocket) -> None:
        self.sockets += 1
        socket.on("framereceived", self._received)

    def _received(self, frame: str | bytes) -> None:
        beginning = '42["welcome",'
        if isinstance(frame, str) and frame.startswith(beginning):
            self.welcomes.append(json.loads(frame[2:])[1])


def _briefly(sight: Sight | None) -> dict[str, object]:
    if sight is None:
        return {}
    shown = {name: getattr(sight, name) for name in Sight.__struct_fields__ if name not in ("article", "text")}
    return shown if sight.page else {**shown, "text": sight.text[:400]}


def no_mistakes(*people: Person) -> None:
    """Raises `AssertionError` with what browsers complained of and no network explains."""
    found = [mistake for each in people for mistake in each.mistakes]
    assert not found, found


async def same_for(*people: Person, seconds: float = 10) -> None:
    """Wait until all are connected and have the same before them: the page, word by word, and who is here how."""
    seen: list[object] = []

    async def same() -> bool:
        seen[:] = [_what_all_see(sight) for sight in [await each.looks() for each in people]]
        return seen[0] is not None and all(each == seen[0] for each in seen)

    try:
        await until(same, "everybody to see the same", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {[_briefly(await each.looks()) for each in people]}") from None


def _what_all_see(sight: Sight | None) -> object:
    if sight is None or sight.state != "live":
        return None
    article = ADDRESS.sub("", sight.article)  # Each window's forms go to its own address.
    return sight.page, article, sorted((name.removesuffix(" (you)"), state) for name, state in sight.people)


@asynccontextmanager
async def practice(browser: Browser, house: House, **options: Any) -> AsyncIterator[tuple[Person, Person]]:
    """Both windows of *Practice* in one browser, connected: Alex, the worker, and the pretend person, Sam.

    At the end neither may have found a mistake in what the server sent.
    """
    async with practice_windows(browser, house, **options) as (alex, sam):
        await asyncio.gather(alex.is_told_connected(), sam.is_told_connected())
        yield alex, sam


@asynccontextmanager
async def practice_windows(browser: Browser, house: House, **options: Any) -> AsyncIterator[tuple[Person, Person]]:
    """As `practice`, for networks on which it is open whether they connect."""
    context = await browser.new_context(**{"viewport": DESKTOP, **options})
    try:
        addresses = await practice_addresses(context, house)
        alex = Person("Alex", await context.new_page())
        sam = Person("Sam", await context.new_page())
        for person, address in zip((alex, sam), addresses, strict=True):
            await person.goes_to(address)
            if options.get("java_script_enabled", True):
                await person.goes_on()
        yield alex, sam
        no_mistakes(alex, sam)
    finally:
        await context.close()


async def practice_addresses(context: BrowserContext, house: House) -> list[str]:
    """Where the two windows of a new practice are; the worker's first."""
    desk = await context.new_page()
    await desk.goto(house.new_link())
    await desk.locator("form[action$='/practice'] button").click()
    doors = desk.locator("a[href*='/s/']")
    await doors.nth(1).wait_for()
    addresses = [str(await door.get_attribute("href")) for door in await doors.all()]
    await desk.close()
    return [house.url + address.removeprefix(house.url) for address in addresses]


@asynccontextmanager
async def another_browser_of(person: Person, browser: Browser) -> AsyncIterator[Person]:
    """The same person at a second browser that has copied the first one's cookies, connected."""
    context = await browser.new_context(viewport=DESKTOP, storage_state=await person.context.storage_state())
    try:
        there = Person(person.name, await context.new_page())
        await there.goes_to(person.page.url)
        await there.goes_on()
        await there.is_told_connected()
        yield there
        no_mistakes(there)
    finally:
        await context.close()


@asynccontextmanager
async def real_session(
    browser: Browser, house: House, worker: str = "Kim", job: str = "nurse", other: str = "Robin"
) -> AsyncIterator[tuple[Person, Person]]:
    """A worker at a desk and the person with a phone whom they have given the link and let in, both connected."""
    desk = await browser.new_context(viewport=DESKTOP)
    phone = await browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, device_scale_factor=2)
    try:
        page = await desk.new_page()
        await makes_account(page, house.new_link(), worker, job)
        link = await starts_session(page)
        kim = Person(f"{worker}, {job}", page)
        robin = Person(other, await phone.new_page(), taps=True)
        await robin.knocks(link, other)
        await kim.admits(other)
        await asyncio.gather(kim.is_told_connected(), robin.is_told_connected())
        yield kim, robin
        no_mistakes(kim, robin)
    finally:
        await desk.close()
        await phone.close()


async def makes_account(page: Page, link: str, name: str, job: str) -> None:
    """Follow a start link to an account of one's own; comes out at the desk."""
    await page.goto(link)
    form = page.locator("form[action$='/account']")
    for field, value in (("shown", name), ("job", job), ("login", new_login()), ("password", PASSWORD)):
        await form.locator(f"[name={field}]").fill(value)
    await form.locator("button").click()
    await page.wait_for_url("**/desk")


async def signs_in(page: Page, login: str) -> None:
    """On the page for it."""
    await page.locator("[name=login]").fill(login)
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main form button").click()


async def starts_session(page: Page) -> str:
    """From the desk to the page of a new room. Gives the link for the other person."""
    await page.locator("form[action='/desk/sessions'] button").click()
    await page.wait_for_url("**/desk/rooms/*")
    return await link_of(page)


async def link_of(page: Page) -> str:
    """The link for the other person, as the page of a room shows it."""
    return await page.locator("input[readonly][value*='/join/']").first.input_value()


def new_login() -> str:
    return f"worker-{uuid.uuid4().hex[:12]}"
