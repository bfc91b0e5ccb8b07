"""Every screen that a person can come to, one after the other: for tests that look at all of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple

import pyotp

from tests.browser.people import (
    CURTAIN,
    DESKTOP,
    HELP,
    HOME,
    PAGES,
    PHONE,
    Person,
    link_of,
    new_login,
    signs_in,
    starts_session,
)
from tests.browser.writing import LONG, say_the_same, selects, types
from tests.conftest import LONG as THE_LONG_RUN
from tests.house import House
from tests.visitor import PASSWORD

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request, Route

WORKER = "Kim"
JOB = "nurse"
OTHER = "Robin"
LATE = "Noor"
SENTENCE = "Five minutes more."
NOTES = ("We read about mornings. ", LONG, "Tea first, then the letter.")
"""What is written into the notes. The second one is deleted again."""
ROOM = "Tuesdays"
STAFF = ("Alex", "Ada")
IN_AN_APP = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36 Instagram 300"
MINUTE = 60_000


class State(Enum):
    """What a page is like at the moment, beside being there."""

    PLAIN = "plain"
    EMPTY = "empty"
    WAITING = "waiting"
    ERROR = "error"
    RECONNECTING = "reconnecting"
    OPEN = "open"
    """A dialog, or a box with more in it."""


class Screen(NamedTuple):
    """`of`: which template. `page`: a window that shows it until the next one is asked for."""

    of: str
    state: State
    page: Page
    more: str = ""

    @property
    def name(self) -> str:
        return "-".join(part for part in (self.of, self.state.value, self.more.replace(" ", "-")) if part)


async def screens(browser: Browser, house: House, **options: Any) -> AsyncIterator[Screen]:
    """Some people go through everything there is, in contexts made with `options`."""
    desk = await browser.new_context(**{"viewport": DESKTOP, **options})
    phone = await browser.new_context(**{"viewport": PHONE, **options})
    late = await browser.new_context(**{"viewport": PHONE, **options})
    office = await browser.new_context(**{"viewport": DESKTOP, **options})
    try:
        page = await desk.new_page()
        async for screen in _outside(page, house):
            yield screen
        async for screen in _practice(page, house):
            yield screen
        people = Person(WORKER, page), Person(OTHER, await phone.new_page()), Person(LATE, await late.new_page())
        async for screen in _Meeting(house, *people).goes_by():
            yield screen
        async for screen in staff_screens(await office.new_page(), house):
            yield screen
    finally:
        for context in (desk, phone, late, office):
            await context.close()


async def _outside(page: Page, house: House) -> AsyncIterator[Screen]:
    for of, path in (("front", "/"), ("sentence", "/join/wrong"), ("sentence", "/nowhere")):
        await page.goto(house.url + path)
        yield Screen(of, State.PLAIN, page, path.partition("/")[2].replace("/", "-"))
    await page.goto(f"{house.url}/code")
    yield Screen("code", State.PLAIN, page)
    await _sends(page, "main form", code="K7RM-2XQ4")
    yield Screen("code", State.ERROR, page)
    await page.goto(f"{house.url}/sign-in")
    yield Screen("sign_in", State.PLAIN, page)
    await _sends(page, "main form", login=new_login(), password=PASSWORD)
    yield Screen("sign_in", State.ERROR, page)
    await page.goto(f"{house.url}/left")
    yield Screen("left", State.PLAIN, page)
    await page.goto(f"{house.url}/check")
    await page.locator("[data-copage=check-result][data-state=good]").wait_for()
    yield Screen("check", State.PLAIN, page)
    await page.context.set_offline(True)
    await page.locator("[data-copage=check-again]").click()
    await page.locator("[data-copage=check-result][data-state=not]").wait_for()
    yield Screen("check", State.ERROR, page)
    await page.context.set_offline(False)


async def _practice(page: Page, house: House) -> AsyncIterator[Screen]:
    await page.goto(house.new_link())
    yield Screen("start", State.PLAIN, page)
    await page.locator("form[action$='/practice'] button").click()
    door = page.locator("a[href*='/s/']").first
    await door.wait_for()
    yield Screen("practice", State.PLAIN, page)
    another = await page.context.new_page()
    await another.goto(house.url + str(await door.get_attribute("href")).removeprefix(house.url))
    await another.locator("[data-state=live]").wait_for(state="attached")
    yield Screen("session", State.WAITING, another, "behind the curtain")
    await another.locator(CURTAIN).click()
    yield Screen("session", State.PLAIN, another, "practice")
    await another.close()


class _Meeting:
    """Kim prepares a session and starts one; Robin comes to it; Noor waits longer than Robin."""

    def __init__(self, house: House, kim: Person, robin: Person, noor: Person) -> None:
        self._house = house
        self._kim = kim
        self._robin = robin
        self._noor = noor
        self._link = ""
        self._room = ""

    async def goes_by(self) -> AsyncIterator[Screen]:
        for part in (self._desk, self._prepared, self._room_page, self._door, self._waiting, self._long_wait):
            async for screen in part():
                yield screen
        for part in (self._let_in, self._session, self._one_more, self._end):
            async for screen in part():
                yield screen

    async def _desk(self) -> AsyncIterator[Screen]:
        page = self._kim.page
        await page.goto(self._house.new_link())
        fields = {"shown": WORKER, "job": JOB, "login": new_login()}
        await _sends(page, "form[action$='/account']", **fields, password="short")
        yield Screen("start", State.ERROR, page)
        await _sends(page, "form[action$='/account']", **fields, password=PASSWORD)
        await page.wait_for_url("**/desk")
        yield Screen("desk", State.EMPTY, page)

    async def _prepared(self) -> AsyncIterator[Screen]:
        page, other = self._kim.page, self._robin.page
        await page.locator("a[href='/desk/prepare']").click()
        await page.locator("[name=day]").wait_for()
        yield Screen("prepare", State.PLAIN, page)
        now = datetime.now(UTC)
        day = f"{now - timedelta(days=2):%Y-%m-%d}"
        await _sends(page, "main form", label=ROOM, day=day, time="10:00")
        yield Screen("prepare", State.ERROR, page)
        day = f"{now + timedelta(days=2):%Y-%m-%d}"
        await _sends(page, "main form", label=ROOM, day=day, time="10:00")
        await page.wait_for_url("**/desk/rooms/*")
        yield Screen("room", State.EMPTY, page, "planned")
        link = await link_of(page)
        await other.goto(link)
        yield Screen("early", State.WAITING, other)
        for summary in await page.locator("main summary").all():
            await summary.click()
        yield Screen("room", State.OPEN, page, "planned")
        await page.locator("form[action$='/revoke'] button").click()
        await page.locator("form[action$='/revoke']").wait_for(state="detached")
        yield Screen("room", State.PLAIN, page, "link taken back")
        await other.goto(link)
        yield Screen("closed_door", State.PLAIN, other, "taken back")

    async def _room_page(self) -> AsyncIterator[Screen]:
        page = self._kim.page
        await page.goto(f"{self._house.url}/desk")
        yield Screen("desk", State.PLAIN, page, "one room")
        self._link = await starts_session(page)
        self._room = page.url
        yield Screen("room", State.EMPTY, page, "invitation")
        await page.locator("details:has(svg) summary").click()
        yield Screen("room", State.OPEN, page, "qr")
        await page.locator("details:has(svg) summary").click()
        await page.locator("details:has(textarea) summary").click()
        yield Screen("room", State.OPEN, page, "message")
        await page.locator("#label").evaluate("field => field.removeAttribute('maxlength')")
        await _sends(page, "form[action$='/label']", label="far too long " * 9)
        yield Screen("room", State.ERROR, page)
        await page.goto(self._room)

    async def _door(self) -> AsyncIterator[Screen]:
        other = self._robin.page
        await other.set_extra_http_headers({"User-Agent": IN_AN_APP})
        await other.goto(self._link)
        yield Screen("door", State.PLAIN, other, "in an app")
        await other.set_extra_http_headers({})
        await other.goto(self._link)
        yield Screen("door", State.PLAIN, other)
        await _sends(other, "main form", name="\N{ZERO WIDTH SPACE}")
        yield Screen("door", State.ERROR, other)

    async def _waiting(self) -> AsyncIterator[Screen]:
        page, other = self._kim.page, self._robin.page
        await self._robin.knocks(self._link, OTHER)
        yield Screen("waiting", State.WAITING, other)
        await self._robin.drops()
        await _has_words(other, "no-answer")
        yield Screen("waiting", State.RECONNECTING, other)
        await self._robin.comes_back()
        await page.locator("[data-arrival]").wait_for()
        yield Screen("room", State.WAITING, page, "somebody at the door")
        await page.goto(f"{self._house.url}/desk")
        await page.locator("[data-arrival]").wait_for()
        yield Screen("desk", State.WAITING, page, "somebody at the door")
        await page.locator("[data-arrival] [data-part=sentence] summary").click()
        await page.locator("[name=sentence]").fill(SENTENCE)
        yield Screen("desk", State.OPEN, page, "a sentence for the door")
        await self._kim.presses("form[action$='/sentence'] button")
        await other.get_by_text(SENTENCE).wait_for()
        yield Screen("waiting", State.WAITING, other, "a sentence")
        await other.locator("main .choice").first.click()
        await other.locator("article h1").wait_for()
        yield Screen("topic", State.WAITING, other)
        await self._robin.drops()
        await _has_words(other, "no-answer")
        yield Screen("topic", State.RECONNECTING, other)
        await self._robin.comes_back()

    async def _long_wait(self) -> AsyncIterator[Screen]:
        late = self._noor.page
        await late.clock.install()
        await self._noor.knocks(self._link, LATE)
        await late.clock.fast_forward(5 * MINUTE)
        await late.locator("[data-copage=later-1]").wait_for()
        yield Screen("waiting", State.WAITING, late, "for 5 minutes")
        await late.clock.fast_forward(10 * MINUTE)
        await late.locator("[data-copage=later-2]").wait_for()
        yield Screen("waiting", State.WAITING, late, "for 15 minutes")
        await self._kim.page.goto(self._room)
        waits = self._kim.page.locator(f"[data-arrival]:has-text('{LATE}')")
        await waits.locator("[data-part=not-today] summary").click()
        await waits.locator("form[action$='/turn-away'] button").click()
        await late.locator("[data-copage=news]").wait_for(state="detached")
        yield Screen("turned_away", State.PLAIN, late)

    async def _let_in(self) -> AsyncIterator[Screen]:
        page, other = self._kim.page, self._robin.page
        await self._kim.admits(OTHER)
        await page.wait_for_url("**/s/*")
        await other.locator("[data-copage=let-in]").wait_for()
        yield Screen("topic", State.OPEN, other, "let in meanwhile")
        await self._robin.presses("[data-copage=let-in] a")
        await asyncio.gather(_has_here(page, OTHER), _has_here(other, WORKER))
        await other.goto(self._link)
        yield Screen("closed_door", State.PLAIN, other, "used")
        await self._robin.presses("main a[href*='/s/']")
        await _has_here(other, WORKER)

    async def _session(self) -> AsyncIterator[Screen]:
        kim, robin = self._kim, self._robin
        page, other = kim.page, robin.page
        yield Screen("session", State.PLAIN, page, "worker")
        yield Screen("session", State.PLAIN, other, "phone")
        address = other.url
        await other.goto(f"{address}/page/ups-and-downs")
        yield Screen("page_alone", State.PLAIN, other)
        await other.goto(address)
        await _has_here(other, WORKER)
        await types(kim, NOTES[0] + LONG)
        await say_the_same(kim, robin)
        await selects(robin, 24, 24 + len(LONG))
        await other.keyboard.press("Delete")
        await types(robin, NOTES[2], name="next")
        await say_the_same(kim, robin, name="next")
        for person, who in ((kim, "worker"), (robin, "phone")):
            await person.page.locator("[data-passage]").wait_for()
            yield Screen("session", State.OPEN, person.page, f"notes {who}")
        await kim.opens(PAGES[0])
        await other.locator("[data-question=turned]").wait_for()
        yield Screen("session", State.OPEN, other, "asked to go along")
        await robin.presses("[data-question=turned] button >> nth=1")
        await page.locator("[data-state=alone]").wait_for()
        yield Screen("session", State.PLAIN, other, "on one's own")
        await robin.goes_along()
        await robin.sees(PAGES[0])
        await kim.presses("[data-copage=ways] summary")
        await kim.presses("[data-copage=read]")
        await other.locator("[data-question=reading]").wait_for()
        yield Screen("session", State.OPEN, page, "ways of looking")
        yield Screen("session", State.OPEN, other, "asked to read together")
        await robin.presses("[data-question=reading] button >> nth=0")
        await page.locator("[data-copage=reading-bar]").wait_for()
        yield Screen("session", State.PLAIN, page, "reading together")
        await kim.presses("[data-copage=read-stop]")
        await kim.presses(".suggest summary")
        yield Screen("session", State.OPEN, page, "what to suggest")
        await kim.presses("[data-copage=suggest] button >> nth=1")
        await other.locator("[data-question=suggested]").wait_for()
        yield Screen("session", State.OPEN, other, "a suggestion")
        await robin.presses("[data-question=suggested] button >> nth=1")
        await kim.presses("[data-copage=ways] summary")
        await kim.opens(HOME)
        await asyncio.gather(kim.sees(HOME), robin.sees(HOME))
        # They are alike but for their words; the long run looks at each.
        shown = PAGES if THE_LONG_RUN else PAGES[-2:]
        for choice in shown:
            await kim.opens(choice)
            await asyncio.gather(kim.sees(choice), robin.sees(choice))
            yield Screen("session", State.PLAIN, other, choice)
            if choice != shown[-1]:
                await kim.opens(HOME)
                await kim.sees(HOME)
        for person, who in ((kim, "worker"), (robin, "phone")):
            await person.presses(HELP)
            yield Screen("session", State.OPEN, person.page, f"help {who}")
            await person.presses(HELP)
        await robin.drops()
        await other.locator("[data-copage=state][data-state=not_connected]").wait_for()
        yield Screen("session", State.RECONNECTING, other)
        await robin.comes_back()
        await _has_here(other, WORKER)
        await other.locator("form[data-copage=turn] button").first.evaluate("button => button.value = 'nowhere'")
        await robin.presses("form[data-copage=turn] button")
        await other.locator("[data-about='refused.unknown_page']").wait_for()
        yield Screen("session", State.ERROR, other)
        await kim.presses("[data-part=not-them] summary")
        yield Screen("session", State.OPEN, page, "this is not Robin")
        await kim.presses("[data-part=not-them] summary")

    async def _one_more(self) -> AsyncIterator[Screen]:
        """Noor is let in by a link of her own and taken out again, and then waits once more."""
        kim, noor = self._kim, self._noor
        page = kim.page
        desk = Person(WORKER, await page.context.new_page())
        await desk.page.goto(self._room)
        await desk.page.locator(".person").wait_for()
        yield Screen("room", State.PLAIN, desk.page, "somebody in it")
        await desk.presses(".person summary")
        yield Screen("room", State.OPEN, desk.page, "this is not Robin")
        await noor.knocks(await _new_link(desk.page), LATE)
        await _has_words(page, "arrivals")
        yield Screen("session", State.WAITING, page, "somebody at the door")
        await desk.admits(LATE)
        await _has_here(page, LATE)
        await kim.presses(f"[data-copage=people] li:has-text('{LATE}') summary")
        await kim.presses("form[data-copage=remove] button")
        await noor.page.locator("[data-copage=all], [data-copage=covered]").first.wait_for(state="detached")
        yield Screen("removed", State.PLAIN, noor.page)
        await desk.page.goto(self._room)
        self._link = await _new_link(desk.page)
        await noor.knocks(self._link, LATE)
        await desk.page.close()

    async def _end(self) -> AsyncIterator[Screen]:
        kim, robin, noor = self._kim, self._robin, self._noor
        page, other = kim.page, robin.page
        await kim.presses("[data-copage=end-box] summary")
        yield Screen("session", State.OPEN, page, "end for everyone")
        await kim.presses("[data-copage=end-cancel]")
        await robin.drops()
        await robin.leaves()
        yield Screen("session", State.RECONNECTING, other, "left")
        await robin.comes_back()
        await other.wait_for_url("**/left")
        await page.locator("[data-copage=people] [data-state=left]").first.wait_for()
        yield Screen("session", State.EMPTY, page, "all others left")
        await kim.presses("[data-copage=end-box] summary")
        await kim.presses("[data-copage=end] button")
        await page.locator("[data-copage=print]").wait_for()
        yield Screen("closing", State.PLAIN, page)
        await noor.page.locator("[data-copage=news]").wait_for(state="detached")
        yield Screen("over", State.PLAIN, noor.page)
        await noor.page.goto(self._link)
        yield Screen("closed_door", State.PLAIN, noor.page, "over")


async def staff_screens(page: Page, house: House) -> AsyncIterator[Screen]:
    """Alex goes through what is there for those who work here, also where a second step is asked for."""
    login, colleague = new_login(), f"Ada-{new_login()[-6:]}"
    await page.goto(house.new_link())
    fields = {"shown": STAFF[0], "job": JOB, "login": login, "password": PASSWORD}
    await _sends(page, "form[action$='/account']", **fields)
    await page.wait_for_url(lambda url: url.endswith(("/sign-in/set-up", "/desk")))
    if page.url.endswith("/desk"):
        await page.goto(f"{house.url}/account/second-step")
        await page.locator("#password").fill(PASSWORD)
    yield Screen("second_step", State.PLAIN, page)
    app = pyotp.TOTP((await page.locator("#secret").inner_text()).replace(" ", ""))
    await _gives_code(page, "000000")
    yield Screen("second_step", State.ERROR, page)
    await _gives_code(page, app.now())
    await page.locator(".codes").wait_for()
    yield Screen("recovery_codes", State.PLAIN, page)
    code = await page.locator(".codes code").first.inner_text()
    await page.goto(f"{house.url}/account")
    yield Screen("account", State.PLAIN, page)
    await _opens_all(page)
    yield Screen("account", State.OPEN, page)
    await _sends(page, "form[action='/account/password']", present="not this one", password=PASSWORD)
    yield Screen("account", State.ERROR, page)
    async for screen in _admin_screens(page, house, colleague):
        yield screen
    await page.context.clear_cookies()
    await page.goto(f"{house.url}/sign-in")
    await signs_in(page, login)
    await page.wait_for_url("**/sign-in/code")
    yield Screen("sign_in_code", State.PLAIN, page)
    await _gives_code(page, "000000")
    yield Screen("sign_in_code", State.ERROR, page)
    await _gives_code(page, code)
    await page.wait_for_url("**/desk")
    await page.route("**/account/awake", _nearly_over)
    await page.reload()
    await page.locator("[data-copage=idle]").wait_for()
    yield Screen("desk", State.OPEN, page, "soon signed out")


async def _admin_screens(page: Page, house: House, colleague: str) -> AsyncIterator[Screen]:
    await page.goto(f"{house.url}/admin")
    yield Screen("admin", State.PLAIN, page)
    await _sends(page, "main form", shown="\N{ZERO WIDTH SPACE}")
    yield Screen("admin", State.ERROR, page)
    await page.locator("[name=role][value=supervisor]").check()
    await _sends(page, "main form", shown=colleague, job=JOB)
    yield Screen("admin_link", State.PLAIN, page)
    link = await page.locator("#link").input_value()
    await page.goto(f"{house.url}/admin")
    await page.get_by_text(colleague).click()
    await page.locator("form[action$=supervise] button").click()
    await page.locator("form[action$=supervise-no-more]").wait_for()
    yield Screen("admin_account", State.PLAIN, page)
    await _opens_all(page)
    yield Screen("admin_account", State.OPEN, page)
    for role in ("worker", "supervisor"):
        await page.locator(f"[name=role][value={role}]").uncheck()
    await _sends(page, "form[action$='/roles']")
    yield Screen("admin_account", State.ERROR, page)
    await page.goto(f"{house.url}/desk")
    await starts_session(page)
    await page.goto(f"{house.url}/admin/rooms")
    yield Screen("admin_rooms", State.PLAIN, page)
    await page.locator("main a.choice").last.click()
    await page.locator("form[action$='/remove']").wait_for()
    yield Screen("admin_room", State.PLAIN, page)
    await _sends(page, "form[action$='/remove']")
    yield Screen("admin_room", State.ERROR, page)
    await page.goto(link)
    yield Screen("welcome", State.PLAIN, page)
    await _sends(page, "main form", login=new_login(), password="short")
    yield Screen("welcome", State.ERROR, page)


async def _nearly_over(route: Route, request: Request) -> None:
    await route.fulfill(status=200, json={"seconds_left": 42})


async def _sends(page: Page, selector: str, **fields: str) -> None:
    """Fill a form in and send it as it is, whatever the browser thinks of it; the answer is there afterwards."""
    form = page.locator(selector).first
    for name, value in fields.items():
        await form.locator(f"[name={name}]").fill(value)
    await form.evaluate("form => form.noValidate = true")
    async with page.expect_navigation():
        await form.locator("button").first.click()


async def _gives_code(page: Page, code: str) -> None:
    if await page.locator("#password").count():
        await page.locator("#password").fill(PASSWORD)
    await _sends(page, "form:has([name=code])", code=code)


async def _opens_all(page: Page) -> None:
    for summary in await page.locator("main summary").all():
        await summary.click()


async def _new_link(page: Page) -> str:
    """On the page of a room of which no link is open."""
    await page.locator("form[action$='/link'] button").first.click()
    return await link_of(page)


async def _has_words(page: Page, part: str) -> None:
    await page.locator(f"[data-copage={part}]:not(:empty)").wait_for()


async def _has_here(page: Page, name: str) -> None:
    """Connected, and together with somebody; in whatever language the page says so."""
    await page.locator(f"[data-copage=people] [data-state=here]:has-text('{name}')").wait_for()
