"""Pointing at the same word: a real tap or mouse on one screen, and on the other the word under the drawn tip's pixels.

Nothing of the client's own reckoning is asked: the tip is found by the box in which it is drawn, the word below it by
`caretPositionFromPoint`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import msgspec
import pytest
from playwright.async_api import Browser

from tests.browser.people import CONTENT, DESKTOP, PHONE, Person, no_mistakes, practice, practice_addresses
from tests.browser.test_never_moved import GO, Frames, touches
from tests.browser.test_reading import SMALL, opens_any
from tests.browser.writing import types
from tests.conftest import Amount
from tests.house import House
from tests.waiting import until

KINDS = ("line end", "list or table", "link or emphasis", "scroll area")

CANDIDATES = """() => {
  const found = [];
  for (const block of document.querySelectorAll("article [data-block]")) {
    const text = block.textContent;
    const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
    let before = 0;
    for (let node; (node = walk.nextNode()); before += node.length) {
      const parent = node.parentElement;
      for (const word of node.data.matchAll(/[\\p{L}\\p{N}]+/gu)) {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        const boxes = range.getClientRects();
        if (boxes.length !== 1) continue;
        const after = document.createRange();
        const rest = node.data.slice(word.index + word[0].length).search(/[\\p{L}\\p{N}]/u);
        let end = rest < 0;
        if (!end) {
          after.setStart(node, word.index + word[0].length + rest);
          after.setEnd(node, word.index + word[0].length + rest + 1);
          end = after.getBoundingClientRect().top > boxes[0].bottom - 2;
        }
        found.push({
          block: block.dataset.block, offset: before + word.index, word: word[0],
          controls: Boolean(parent.closest("a, button")),
          kinds: [
            end && !parent.closest(".scrolls") ? "line end" : "",
            parent.closest("li, td, th") && !parent.closest(".scrolls") ? "list or table" : "",
            parent.closest("a, em, strong, button") ? "link or emphasis" : "",
            parent.closest(".scrolls") ? "scroll area" : "",
          ].filter(Boolean),
        });
      }
    }
  }
  return found;
}"""

BRING = """([name, offset, size]) => {
  const block = document.querySelector(`article [data-block="${name}"]`);
  const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let left = offset, node; (node = walk.nextNode()); left -= node.length) {
    if (left >= node.length) continue;
    const range = document.createRange();
    range.setStart(node, left);
    range.setEnd(node, left + size);
    const scroller = block.closest(".scrolls");
    const far = range.getBoundingClientRect();
    if (scroller) scroller.scrollLeft += far.left - scroller.getBoundingClientRect().left - 60;
    window.scrollBy({top: range.getBoundingClientRect().top - innerHeight * 0.55, behavior: "instant"});
    const box = range.getClientRects()[0];
    return [box.left, box.top, box.width, box.height];
  }
}"""

UNDER = """([x, y]) => {
  const caret = document.caretPositionFromPoint(x, y);
  const node = caret?.offsetNode;
  if (!node || node.nodeType !== Node.TEXT_NODE) return null;
  const block = node.parentElement.closest("[data-block]");
  if (!block) return null;
  const letters = /[\\p{L}\\p{N}]/u;
  let at = caret.offset;
  const range = document.createRange();
  const holds = (nth) => {
    if (nth < 0 || nth >= node.length) return false;
    range.setStart(node, nth);
    range.setEnd(node, nth + 1);
    const inside = ({ left, right, top, bottom }) => x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1;
    return [...range.getClientRects()].some(inside);
  };
  at = [at, at - 1, at + 1].find(holds) ?? at;
  let [start, end] = [at, at];
  while (start > 0 && letters.test(node.data[start - 1])) start -= 1;
  while (end < node.length && letters.test(node.data[end])) end += 1;
  const before = document.createRange();
  before.setStart(block, 0);
  before.setEnd(node, start);
  return [block.dataset.block, before.toString().length, node.data.slice(start, end)];
}"""

TIP = """(mine) => {
  const tip = [...document.querySelectorAll(".pointers .tip")].find((each) => each.classList.contains("mine") === mine);
  const edge = document.querySelector(".mark.pointing:not([hidden])");
  if (edge && !mine) { edge.click(); return null; }
  if (!tip || tip.hidden) return null;
  const box = tip.getBoundingClientRect();
  return [box.left, box.top];
}"""


class Target(msgspec.Struct, frozen=True):
    block: str
    offset: int
    word: str
    controls: bool
    kinds: list[str]


@dataclass
class Screen:
    """Somebody in front of a screen of some size, with large letters or not."""

    person: Person
    name: str

    async def shows(self, page: str) -> None:
        await self.person.sees(page)

    async def goes_along(self, page: str) -> None:
        """Also who was busy a moment ago, and is asked."""

        async def there() -> bool:
            sight = await self.person.looks()
            if sight is not None and sight.page == page:
                return True
            card = self.person.page.locator(GO)
            if await card.count():
                await card.click()
            return False

        await until(there, f"{self.name} to be at {page}")

    async def points_at(self, target: Target) -> None:
        """By a tap with a finger on the phone, with the mouse elsewhere."""
        page = self.person.page
        await page.evaluate(
            TIP, False
        )  # What the other points at out of sight is called for by a button, out of the way.
        x, y, width, height = await page.evaluate(BRING, [target.block, target.offset, len(target.word)])
        middle = (x + width / 2, y + height / 2)
        if self.person.taps and not target.controls:
            await page.touchscreen.tap(*middle)
        else:
            await page.mouse.move(middle[0] + 3, middle[1] + 1)
            await page.mouse.move(*middle)

    async def tip(self) -> tuple[float, float] | None:
        found = await self.person.page.evaluate(TIP, False)
        return None if found is None else (found[0], found[1])

    async def word_under_the_tip(self, before: object) -> tuple[str, int, str] | None:
        """Once the tip has come to rest, and it is another than `before`."""
        last: list[Any] = []

        async def rests() -> bool:
            tip = await self.tip()
            word = None if tip is None else await self.person.page.evaluate(UNDER, [tip[0] + 0.5, tip[1] + 0.5])
            last.append((tip, word))
            # A page that is brought into place under a mouse points at this and that on the way.
            return tip is not None and word != before and len(last) > 8 and all(each == last[-1] for each in last[-8:])

        await until(rests, "the tip to come to rest", 6)
        word = last[-1][1]
        return None if word is None else (word[0], word[1], word[2])


@asynccontextmanager
async def screens(browser: Browser, house: House) -> AsyncIterator[Mapping[str, Screen]]:
    """Alex at a desk, Sam with a phone, and both on a small screen with large letters, too."""
    context = await browser.new_context(viewport=DESKTOP)
    phones = []
    try:
        alex_at, sam_at = await practice_addresses(context, house)
        people = {"desk": Person("Alex", await context.new_page())}
        cookies = await context.storage_state()
        for name, size in (("phone", PHONE), ("small", SMALL), ("other small", SMALL)):
            phone = await browser.new_context(viewport=size, has_touch=True, storage_state=cookies)
            phones.append(phone)
            people[name] = Person("Alex" if name == "small" else "Sam", await phone.new_page(), taps=True)
        for person in people.values():
            await person.goes_to(alex_at if person.name == "Alex" else sam_at)
            await person.goes_on()
            await person.is_told_connected()
        for name in ("small", "other small"):
            await people[name].page.evaluate("document.documentElement.style.fontSize = '225%'")
        yield {name: Screen(person, name) for name, person in people.items()}
        no_mistakes(*people.values())
    finally:
        for each in (*phones, context):
            await each.close()


PAIRS = (
    ("desk", "phone"),
    ("phone", "desk"),
    ("phone", "small"),
    ("small", "phone"),
    ("desk", "other small"),
    ("other small", "desk"),
)
"""Who points, and on whose screen it is looked at."""


@pytest.mark.timeout(1200)
async def test_po1_the_same_word_on_every_screen(chromium: Browser, house: House, amount: Amount) -> None:
    count = amount(20, 240)
    chance, found = Random(11), Counter[str]()
    wrong: list[object] = []
    other_block = 0
    async with screens(chromium, house) as here:
        opener = here["desk"].person
        pages = [page.id for page in CONTENT.pages.values() if page.html.count("data-block") > 4]
        chance.shuffle(pages)
        pages.sort(key=lambda page: "scrolls" not in CONTENT.pages[page].html)
        per_page = max(4, count // len(pages) + 1)
        for page in pages:
            if sum(found.values()) >= count:
                break
            await opens_any(opener, page)
            await asyncio.gather(*(screen.goes_along(page) for screen in here.values()))
            taken: list[Target] = []
            for nth in range(per_page):
                one, other = (here[name] for name in PAIRS[(nth + sum(found.values())) % len(PAIRS)])
                target = await _target(one, chance, found, count // len(KINDS), taken)
                if target is None:
                    continue
                before = await other.person.page.evaluate(UNDER, list(await other.tip() or (-9, -9)))
                await one.points_at(target)
                try:
                    word = await other.word_under_the_tip(before)
                except AssertionError as error:
                    raise AssertionError(f"{page} {one.name} to {other.name}, {target}: {error}") from None
                expected = (target.block, target.offset, target.word)
                if word != expected:
                    wrong.append((page, one.name, other.name, target, word))
                    other_block += word is None or word[0] != target.block
    total = sum(found.values())
    print(f"{total} words and controls: {dict(found)}; {len(wrong)} on another word, {other_block} in another block")
    assert total >= count and min(found[kind] for kind in KINDS) >= total // 4 - len(KINDS), found
    assert other_block == 0 and len(wrong) <= total / 100, wrong


async def _target(screen: Screen, chance: Random, found: Counter[str], each: int, taken: list[Target]) -> Target | None:
    """A word in a scroll area while `each` of the kinds wants more, and else of the kind of which fewest were taken."""
    every = msgspec.convert(await screen.person.page.evaluate(CANDIDATES), list[Target])
    for kind in sorted(KINDS, key=lambda kind: (kind != "scroll area" or found[kind] >= each, found[kind])):
        fitting = [
            word
            for word in every
            if kind in word.kinds and not (word.controls and screen.person.taps) and word not in taken
        ]
        if fitting:
            found[kind] += 1
            taken.append(chance.choice(fitting))
            return taken[-1]
    return None


async def _points_and_reads(one: Screen, other: Screen, target: Target) -> Sequence[object]:
    await one.points_at(target)
    word = await other.word_under_the_tip(None)
    assert word == (target.block, target.offset, target.word)
    return word


async def _some_target(screen: Screen, kind: str = "line end") -> Target:
    every = msgspec.convert(await screen.person.page.evaluate(CANDIDATES), list[Target])
    return next(each for each in every[len(every) // 3 :] if kind in each.kinds and not each.controls)


async def test_po1_it_stays_on_the_word_whatever_the_page_does(chromium: Browser, house: House) -> None:
    """After a resize, a rotation, larger letters, a late picture and a late font."""
    async with screens(chromium, house) as here:
        await opens_any(here["desk"].person, "ups-and-downs")
        await asyncio.gather(*(screen.shows("ups-and-downs") for screen in here.values()))
        phone, desk = here["phone"], here["desk"]
        target = await _some_target(phone)
        word = await _points_and_reads(phone, desk, target)
        page = desk.person.page
        for change in (
            lambda: page.set_viewport_size({"width": 700, "height": 900}),
            lambda: page.set_viewport_size({"width": 900, "height": 420}),
            lambda: page.evaluate("document.documentElement.style.fontSize = '150%'"),
            lambda: page.evaluate("document.querySelector('article img').style.height = '40rem'"),
            lambda: page.evaluate(
                "document.querySelector('article').style.fontFamily = 'monospace';"
                "document.fonts.dispatchEvent(new Event('loadingdone'))"
            ),
        ):
            await change()
            await page.evaluate(BRING, [target.block, target.offset, len(target.word)])
            assert await desk.word_under_the_tip(None) == word


async def test_po1_who_points_is_told_that_it_is_seen_and_it_can_be_read_out(chromium: Browser, house: House) -> None:
    """And by keyboard: word by word, part by part."""
    async with screens(chromium, house) as here:
        desk, phone = here["desk"].person, here["phone"].person
        target = await _some_target(here["phone"])
        await here["phone"].points_at(target)
        await phone.page.locator(".tip-name.mine", has_text="Alex sees it").wait_for()
        await desk.presses("[data-copage=ways] summary")
        await desk.presses("[data-copage=where-they-point]")
        said = await desk.page.locator("[data-copage=where-others-point]").text_content()
        assert said is not None and f"Sam points at: “{target.word}" in said
        await desk.page.locator("[data-copage=point-here]").focus()
        for key in ("Enter", "ArrowDown", "ArrowRight", "ArrowRight"):
            await desk.page.keyboard.press(key)
        third = CONTENT.pages["home"].html.partition('data-block="how">')[2].split()[2]

        async def there() -> bool:
            word = await here["phone"].word_under_the_tip(None)
            return word is not None and (word[0], word[2]) == ("how", third)

        await until(there, "the third word to be pointed at")
        await desk.page.keyboard.press("Escape")
        await until(lambda: _pressed(desk), "pointing by keyboard to end")


async def _pressed(person: Person) -> bool:
    return await person.page.locator("[data-copage=point-here]").get_attribute("aria-pressed") == "false"


async def test_po2_over_fields_and_exits_nothing_is_sent(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        frames = Frames(alex)
        await alex.page.reload(wait_until="commit")
        await alex.is_told_connected()
        await alex.page.mouse.move(5, 5)
        for selector in (
            "textarea",
            "form[data-copage=leave] button",
            ".end > summary",
            ".moves button",
        ):
            place = alex.page.locator(selector).locator("visible=true").first
            await place.scroll_into_view_if_needed()
            await place.hover()
            await alex.page.mouse.move(3, 400, steps=2)
        await types(alex, "something to say")
        assert [point for point in frames.named("point") if point["at"]] == []
        await alex.page.locator("article [data-block=how]").hover()
        await until(lambda: any(point["at"] for point in frames.named("point")), "a pointer over words")
        await alex.presses("[data-copage=ways] summary")
        await alex.page.locator("[data-copage=hide-mine]").check()
        await until(lambda: frames.named("point")[-1]["at"] is None, "the pointer to be taken away")
        frames.sent.clear()
        await alex.page.locator("article [data-block=how]").hover()
        await alex.page.locator("article h1").hover()
        await alex.page.locator("[data-copage=hide-mine]").uncheck()
        await alex.page.locator("article [data-block=pause]").hover()
        await until(lambda: frames.named("point"), "a pointer again")
        assert frames.named("point")[0]["at"][0] == "pause"
        await touches(sam)
