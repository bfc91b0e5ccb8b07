"""Reading together: one place for those who agreed to it, made by hands alone.

What stands at the reading line is found from the pixels of each window: the word under a point, by
`caretPositionFromPoint`, and where that word stands in the other window.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from playwright.async_api import Browser

from tests.browser.people import CONTENT, DESKTOP, PHONE, Person, practice
from tests.browser.test_never_moved import Frames
from tests.conftest import Amount
from tests.house import House
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import ViewportSize

SMALL: ViewportSize = {"width": 320, "height": 640}
LONG_PAGES = sorted(CONTENT.pages, key=lambda page: -len(CONTENT.pages[page].html))[:4]

AT_THE_LINE = """() => {
  const bar = document.querySelector(".top");
  const above = getComputedStyle(bar).position === "sticky" ? bar.getBoundingClientRect().bottom : 0;
  const y = above + (innerHeight - above) / 3;
  const article = document.querySelector("article");
  const box = article.getBoundingClientRect();
  for (const down of [0, 8, -8, 16, -16, 24, -24, 32, -32, 48, -48, 64, -64]) {
    for (const across of [0.5, 0.3, 0.1]) {
      const caret = document.caretPositionFromPoint(box.left + box.width * across, y + down);
      const block = caret?.offsetNode.parentElement?.closest("[data-block]");
      if (!block || caret.offsetNode.nodeType !== Node.TEXT_NODE) continue;
      const range = document.createRange();
      range.setStart(block, 0);
      range.setEnd(caret.offsetNode, caret.offset);
      return [block.dataset.block, range.toString().length];
    }
  }
  return null;
}"""
"""The block and the letter that stand at the reading line."""

WHERE_IS = """([name, offset]) => {
  const block = document.querySelector(`article [data-block="${name}"]`);
  const walk = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let left = offset, text; (text = walk.nextNode()); left -= text.length) {
    if (left > text.length || !text.data.trim()) continue;
    const range = document.createRange();
    range.setStart(text, Math.max(0, left - 1));
    range.setEnd(text, Math.min(text.length, left + 1));
    const box = range.getBoundingClientRect();
    const above = Math.max(0, document.querySelector(".top").getBoundingClientRect().bottom);
    return [(box.top + box.bottom) / 2, above, innerHeight];
  }
}"""


@asynccontextmanager
async def reading_together(browser: Browser, house: House, page: str) -> AsyncIterator[tuple[Person, Person]]:
    """Both are on a long page, and have agreed."""
    async with practice(browser, house) as (alex, sam):
        await opens_any(alex, page)
        await asyncio.gather(alex.sees(page), sam.sees(page))
        await agree(alex, sam)
        yield alex, sam


async def opens_any(person: Person, page: str) -> None:
    """Also one that this page does not offer, by the form that every page has."""
    await person.page.evaluate(
        """(page) => {
          const button = document.querySelector("form[data-copage=turn] button[name=page]");
          const before = button.value;
          button.value = page;
          button.click();
          button.value = before;
        }""",
        page,
    )


async def agree(one: Person, other: Person) -> None:
    await one.presses("[data-copage=ways] summary")
    await one.presses("[data-copage=read]")
    await other.presses("[data-question=reading] button >> nth=0")
    for each in (one, other):
        await each.page.locator("[data-copage=reading-bar]").wait_for()
    await one.presses("[data-copage=ways] summary")


async def wheels_to(person: Person, y: int) -> None:
    """By hand, as far down as asked, or as far as there is."""
    now = int(await person.page.evaluate("window.scrollY"))
    await person.page.mouse.move(150, 450)
    await person.page.mouse.wheel(0, y - now)
    await comes_to_rest(person)


async def comes_to_rest(person: Person) -> None:
    before = -1.0
    while before != (before := await person.page.evaluate("window.scrollY")):
        await person.page.evaluate(
            "new Promise((done) => { let n = 6; (function f() { n-- ? requestAnimationFrame(f) : done(); })(); })"
        )


async def _a_while(seconds: float) -> None:
    """Time in which nobody does anything."""
    loop = asyncio.get_running_loop()
    until_then = loop.time() + seconds
    await until(lambda: loop.time() >= until_then, "time to pass", seconds + 30)


async def is_inside(follower: Person, line: Any) -> float:
    """Where a line of the leader's stands, as a fraction of what is in sight below the bar."""
    y, above, below = await follower.page.evaluate(WHERE_IS, line)
    return float((y - above) / (below - above))


@pytest.mark.timeout(900)
async def test_rt4_the_line_is_in_sight_for_both(chromium: Browser, house: House, amount: Amount) -> None:
    places, sizes = amount(6, 50), [DESKTOP, PHONE, SMALL]
    chance, outside = Random(5), []
    done = 0
    async with reading_together(chromium, house, LONG_PAGES[0]) as (alex, sam):
        pairs = [(one, other) for one in sizes for other in sizes if one != other]
        for nth in range(places):
            one, other = pairs[nth % len(pairs)]
            leader, follower = (alex, sam) if nth < places / 2 else (sam, alex)
            if nth == (places + 1) // 2:
                await _a_while(6)  # Before, to move again would be to go one's own way.
            await leader.page.set_viewport_size(one)
            await follower.page.set_viewport_size(other)
            height = await leader.page.evaluate("document.querySelector('article').offsetHeight")
            start = await leader.page.evaluate(
                "document.querySelector('article').getBoundingClientRect().top + scrollY - innerHeight / 3"
            )
            await comes_to_rest(follower)
            await wheels_to(leader, int(start + chance.random() * height * 0.9) + nth % 7)
            line = await leader.page.evaluate(AT_THE_LINE)
            if line is None:
                continue

            async def there(follower: Person = follower, line: Any = line) -> bool:
                return 0.1 <= await is_inside(follower, line) <= 0.9

            done += 1
            try:
                await until(there, "the follower to have the line in sight", 6)
            except AssertionError:
                outside.append((nth, line, await is_inside(follower, line)))
    print(f"{done} places on {LONG_PAGES[0]}: {len(outside)} outside of the middle four fifths")
    assert done >= places * 0.9 and outside == []


async def test_rt4_mixed_movements_come_to_rest_on_one_line(chromium: Browser, house: House, amount: Amount) -> None:
    chance = Random(7)
    async with reading_together(chromium, house, LONG_PAGES[0]) as (alex, sam):
        await sam.page.set_viewport_size(PHONE)
        frames = [Frames(each) for each in (alex, sam)]
        for each in (alex, sam):
            await each.page.reload(wait_until="commit")
            await each.is_told_connected()
        # One after the other: a second movement against the other's within five seconds would be to go one's own way.
        for _ in range(amount(3, 12)):
            mover = chance.choice((alex, sam))
            for _ in range(chance.randrange(1, 4)):
                await mover.page.mouse.move(150, 450)
                await mover.page.mouse.wheel(0, chance.randrange(-300, 700))
            await comes_to_rest(mover)
            line = await mover.page.evaluate(AT_THE_LINE)
            other = sam if mover is alex else alex

            async def there(other: Person = other, line: Any = line) -> bool:
                return 0.1 <= await is_inside(other, line) <= 0.9

            await until(there, "both to rest on one line", 4)
            await comes_to_rest(other)
        for sent in frames:
            sent.sent.clear()
        await _a_while(amount(6, 60))
        assert [frame for sent in frames for frame in sent.named("place", "point", "mine")] == []


async def test_rt4_every_place_names_its_hand_and_following_makes_none(chromium: Browser, house: House) -> None:
    async with reading_together(chromium, house, LONG_PAGES[0]) as (alex, sam):
        frames = [Frames(each) for each in (alex, sam)]
        for each in (alex, sam):
            await each.page.reload(wait_until="commit")
            await each.is_told_connected()
        await wheels_to(alex, 900)
        line = await alex.page.evaluate(AT_THE_LINE)

        async def there() -> bool:
            return 0.1 <= await is_inside(sam, line) <= 0.9

        await until(there, "Sam to be there", 4)
        await comes_to_rest(sam)
        assert frames[0].named("place") and frames[0].named("place")[-1]["resting"]
        assert frames[1].named("place") == []


async def test_rt2_one_tap_ends_it_and_rt4_moving_away_again_is_to_be_on_ones_own(
    chromium: Browser, house: House
) -> None:
    async with reading_together(chromium, house, LONG_PAGES[0]) as (alex, sam):
        await sam.presses("[data-copage=read-stop]")
        for each in (alex, sam):
            await each.page.locator("[data-copage=reading-bar]").wait_for(state="hidden")
        before = await sam.page.evaluate("scrollY")
        await wheels_to(alex, 1_200)
        await sam.page.locator(".mark >> visible=true").wait_for()
        assert await sam.page.evaluate("scrollY") == before
        await agree(sam, alex)
        await wheels_to(sam, 600)
        await wheels_to(alex, 1_500)
        await sam.page.wait_for_function("(before) => Math.abs(scrollY - before) > 200", arg=600)
        await comes_to_rest(sam)
        await wheels_to(sam, 500)
        await alex.is_told_of(sam, "looking on their own")
        await alex.page.locator("[data-copage=reading-bar]").wait_for(state="hidden")
