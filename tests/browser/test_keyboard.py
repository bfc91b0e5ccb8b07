"""By keyboard alone, from the door to the closing page and from sign-in to letting somebody in.

On every page on the way, Tab comes to each control once, in the order in which they stand there, and it shows.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from tests.browser.people import DESKTOP, HOME, PAGES, PHONE, Person, link_of, new_login, no_mistakes
from tests.browser.writing import LONG, say_the_same
from tests.house import House
from tests.visitor import PASSWORD, Visitor

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page, Request, Route

PRESSES_AT_MOST = 60
CONTROLS = """() => [
    ...document.querySelectorAll("a[href], button:enabled, input:not([type=hidden]), select, textarea, summary")
  ]
  .filter((each) => each.checkVisibility({visibilityProperty: true}) && each.tabIndex >= 0)
  .map((each, number) => { each.dataset.walk = number; return each.outerHTML.slice(0, 80) })"""
HERE = """() => {
  const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
  const box = document.activeElement.getBoundingClientRect();
  const middle = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  return {
    number: document.activeElement.dataset.walk ?? "",
    shows: outlineStyle !== "none" && parseFloat(outlineWidth) >= 2,
    uncovered: document.activeElement.contains(middle) || Boolean(middle?.contains(document.activeElement)),
  };
}"""


class Keys:
    """Somebody who has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page

    async def goes_round(self) -> int:
        """Tab through the page from its top. Gives how many controls there are."""
        await self.page.evaluate("document.activeElement.blur(); getSelection().removeAllRanges(); scrollTo(0, 0)")
        controls = await self.page.evaluate(CONTROLS)
        # From the last thing on the page the keyboard comes to the first.
        await self.page.evaluate("document.body.tabIndex = -1; document.body.focus()")
        reached: list[str] = []
        for _ in range(PRESSES_AT_MOST):
            await self.page.keyboard.press("Tab")
            here = await self.page.evaluate(HERE)
            if not here["number"] or (here["number"] == "0" and len(reached) > 1):
                break
            if reached and here["number"] == reached[-1]:
                continue  # A date has several parts.
            reached.append(here["number"])
            control = controls[int(here["number"])]
            assert here["shows"], f"nobody sees that the keyboard is at {control}"
            assert here["uncovered"], f"something lies over {control}"
        await self.page.evaluate("document.body.removeAttribute('tabindex')")
        assert [controls[int(number)] for number in reached] == controls
        return len(controls)

    async def goes_to(self, selector: str) -> None:
        for _ in range(PRESSES_AT_MOST):
            await self.page.keyboard.press("Tab")
            if await self.is_at(selector):
                return
        raise AssertionError(f"Tab does not come to {selector}")

    async def is_at(self, selector: str) -> bool:
        return bool(await self.page.evaluate("(selector) => document.activeElement.matches(selector)", selector))

    async def presses(self, selector: str, key: str = "Enter") -> None:
        await self.goes_to(selector)
        await self.page.keyboard.press(key)

    async def writes(self, selector: str, words: str) -> None:
        await self.goes_to(selector)
        await self.page.keyboard.type(words)


async def test_from_sign_in_and_from_the_door_to_the_closing_page(chromium: Browser, house: House) -> None:
    login = new_login()
    async with Visitor(house) as visitor:
        await visitor.makes_account(login, "Kim", "nurse")
    desk = await chromium.new_context(viewport=DESKTOP)
    phone = await chromium.new_context(viewport=PHONE)
    try:
        kim = Person("Kim, nurse", await desk.new_page())
        robin = Person("Robin", await phone.new_page())
        kims, robins = Keys(kim.page), Keys(robin.page)
        seen = await _to_the_room(kims, house, login)
        seen += await _through_the_door(robins, await link_of(kim.page))
        await kim.page.locator("[data-arrival]").wait_for()
        seen += await kims.goes_round()
        await _writes_to_the_door(kims, robin)
        await kims.presses("form[action$='/admit'] button")
        await asyncio.gather(kim.is_told_of(robin, "here"), robin.is_told_connected())
        seen += await kims.goes_round() + await robins.goes_round()
        await _in_the_session(kims, kim, robins, robin)
        await _to_the_end(kims)
        for keys in (kims, robins):
            await keys.page.locator("[data-copage=print]").wait_for()
            seen += await keys.goes_round()
        await robins.presses("main form[action$='/leave'] button")
        await robin.page.wait_for_url("**/left")
        print(f"by keyboard alone: {seen} controls, each reached in its order, in sight, with its frame")
        no_mistakes(kim, robin)
    finally:
        await desk.close()
        await phone.close()


async def _to_the_room(keys: Keys, house: House, login: str) -> int:
    await keys.page.goto(f"{house.url}/sign-in")
    seen = await keys.goes_round()
    await keys.writes("[name=login]", login)
    await keys.writes("[name=password]", PASSWORD)
    await keys.page.keyboard.press("Enter")
    await keys.page.wait_for_url("**/desk")
    seen += await keys.goes_round()
    await keys.page.goto(f"{house.url}/desk/prepare")
    seen += await keys.goes_round()
    await keys.page.goto(f"{house.url}/desk")
    await keys.presses("form[action='/desk/sessions'] button", "Space")
    await keys.page.wait_for_url("**/desk/rooms/*")
    for what in ("svg", "textarea"):
        await keys.presses(f"details:has({what}) > summary")
        await keys.page.locator(f"details[open] {what}").wait_for()
        await keys.page.keyboard.press("Space")
        await keys.page.locator("details[open]").wait_for(state="detached")
    return seen + await keys.goes_round()


async def _through_the_door(keys: Keys, link: str) -> int:
    await keys.page.goto(link)
    seen = await keys.goes_round()
    await keys.writes("[name=name]", "Robin")
    await keys.page.keyboard.press("Enter")
    await keys.page.locator("[data-copage=by-itself]").wait_for()
    return seen + await keys.goes_round()


async def _writes_to_the_door(keys: Keys, robin: Person) -> None:
    await keys.presses("[data-arrival] [data-part=sentence] summary")
    await keys.writes("[name=sentence]", "Now.")
    await keys.page.keyboard.press("Enter")
    await robin.page.locator("q:text-is('Now.')").wait_for()
    await keys.page.locator("[data-arrival]").wait_for()


async def _in_the_notes(kims: Keys, kim: Person, robins: Keys, robin: Person) -> None:
    """To the notes by their button, into a box, out of it by Tab, and back what was deleted."""
    await kims.presses("[data-copage=to-notes]")
    assert await kims.is_at("#notes-title")
    await kims.writes("#box-looked", LONG)
    await say_the_same(kim, robin, words=LONG)
    await robins.goes_to("#box-looked")
    await robin.page.keyboard.press("Control+a")
    await robin.page.keyboard.press("Delete")
    await say_the_same(kim, robin, words="")
    await robins.presses("[data-passage] button")
    await say_the_same(kim, robin, words=LONG)
    await kims.presses("[data-box=looked] [data-part=undo]")
    await say_the_same(kim, robin)


async def _in_the_session(kims: Keys, kim: Person, robins: Keys, robin: Person) -> None:
    await robins.presses(f"article button[value='{PAGES[0]}']")
    await asyncio.gather(kim.sees(PAGES[0]), robin.sees(PAGES[0]))
    assert await robins.is_at("article"), "who opened a page goes on at its top"
    await kims.presses("form[data-copage=turn] button", "Space")
    await asyncio.gather(kim.sees(HOME), robin.sees(HOME))
    await _in_the_notes(kims, kim, robins, robin)
    await kims.presses(".help summary")
    await kim.page.get_by_text("Who you can call").wait_for()
    assert await kims.is_at(".help summary")
    await kim.page.keyboard.press("Space")
    await kim.page.get_by_text("Who you can call").wait_for(state="hidden")
    await kims.presses("[data-part=not-them] summary")
    await kims.goes_to("form[data-copage=remove] button")


async def _to_the_end(keys: Keys) -> None:
    await keys.presses("[data-copage=end-box] summary")
    await keys.presses("[data-copage=end-cancel]")
    assert await keys.is_at("[data-copage=end-box] summary"), "the keyboard goes on where the box was opened"
    await keys.page.keyboard.press("Enter")
    await keys.presses("[data-copage=end] button")


async def test_the_dialog_keeps_the_keyboard_and_gives_it_back(chromium: Browser, house: House) -> None:
    """*You will be signed out*: Tab stays in it, Escape is staying, and then the keyboard is where it was."""
    left = 900

    async def answers(route: Route, request: Request) -> None:
        nonlocal left
        if request.method == "POST":
            left = 900
        await route.fulfill(status=200, json={"seconds_left": left})

    login = new_login()
    async with Visitor(house) as visitor:
        await visitor.makes_account(login, "Kim", "nurse")
    context = await chromium.new_context(viewport=DESKTOP)
    try:
        page = await context.new_page()
        await page.goto(f"{house.url}/sign-in")
        keys = Keys(page)
        await keys.writes("[name=login]", login)
        await keys.writes("[name=password]", PASSWORD)
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/desk")
        await page.clock.install()
        await page.route("**/account/awake", answers)
        await page.goto(f"{house.url}/account")
        await keys.goes_to("#present")
        left = 42
        async with page.expect_response("**/account/awake"):
            await page.clock.fast_forward(15_000)
        dialog = page.locator("[data-copage=idle]")
        await dialog.wait_for()
        assert await keys.is_at("[data-copage=idle-stay]")
        for _ in range(6):
            await page.keyboard.press("Tab")
            assert await keys.is_at("dialog *, body"), "the keyboard is behind the dialog"
        await page.keyboard.press("Escape")
        await dialog.wait_for(state="hidden")
        assert await keys.is_at("#present")
    finally:
        await context.close()
