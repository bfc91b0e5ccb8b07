"""The notes where there is little room, and where a device can keep nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.browser.people import Person, practice
from tests.browser.writing import box, is_saved, kept_on_device, part, say_the_same, text, types
from tests.house import House
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser

KEYBOARD = 300
"""Pixels of a screen of 640 that an on-screen keyboard covers."""

SEES_LESS = """
  (() => {
    const real = window.visualViewport;
    const view = new EventTarget();
    let covered = 0;
    Object.defineProperties(view, {
      height: { get: () => real.height - covered }, width: { get: () => real.width },
      offsetTop: { get: () => real.offsetTop }, offsetLeft: { get: () => 0 }, scale: { get: () => 1 },
    });
    Object.defineProperty(window, "visualViewport", { value: view });
    window.keyboardOpens = (height) => { covered = height; view.dispatchEvent(new Event("resize")); };
  })()
"""
"""A browser whose keyboard lies over the page, as on an iPhone: the page stays as large, less of it is seen."""

NO_SAFE_PLACE = "Object.defineProperty(Crypto.prototype, 'subtle', { get: () => undefined })"
"""What a browser has of cryptography at an address that is not secure."""


async def stands(person: Person, name: str, height: int) -> bool:
    """Whether the end of the text, and with it the line that is written, is in the upper `height` pixels and below what
    always stays at the top."""
    top, bottom, bar = await box(person, name).evaluate(
        """(area) => {
          const { top, bottom: edge } = area.getBoundingClientRect();
          const bottom = edge - parseFloat(getComputedStyle(area).paddingBottom);
          const sticky = [...document.querySelectorAll("*")].filter((each) => {
            const { position } = getComputedStyle(each);
            return (position === "sticky" || position === "fixed") && each.getBoundingClientRect().top <= 0;
          });
          const edges = sticky.map((each) => each.getBoundingClientRect().bottom);
          return [top, bottom, Math.max(0, ...edges.filter((edge) => edge < innerHeight / 2))];
        }"""
    )
    return bool(top < bottom <= height and bottom > bar)


@pytest.mark.parametrize("over_the_page", [False, True], ids=["the page shrinks", "over the page"])
async def test_an_on_screen_keyboard_does_not_cover_what_is_written(
    chromium: Browser, house: House, over_the_page: bool
) -> None:
    options = {"viewport": {"width": 320, "height": 640}, "has_touch": True}
    async with practice(chromium, house, **options) as (alex, sam):
        if over_the_page:
            await sam.page.add_init_script(SEES_LESS)
            await sam.page.reload()
            await sam.is_told_connected()
        await box(sam, "felt").evaluate("(area) => area.scrollIntoView({ block: 'end' })")
        await box(sam, "felt").tap()
        if over_the_page:
            await sam.page.evaluate(f"keyboardOpens({KEYBOARD})")
        else:
            await sam.page.set_viewport_size({"width": 320, "height": 640 - KEYBOARD})
        await until(lambda: stands(sam, "felt", 640 - KEYBOARD), "the box to stand above the keyboard")
        assert await sam.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        # A box that grows while one writes in it grows in sight, whatever the other one writes above.
        for line in range(12):
            await sam.page.keyboard.type(f"Line {line} of what Sam says, long enough for two.\n")
        await types(alex, "Much above it.\n" * 12)
        await say_the_same(alex, sam)
        await say_the_same(alex, sam, name="felt")
        await sam.page.keyboard.type("And this.")
        await until(lambda: stands(sam, "felt", 640 - KEYBOARD), "the line to stand above the keyboard")
        await is_saved(sam, "felt")
        assert (await text(alex, "felt")).endswith("And this.")


async def test_a_device_that_cannot_keep_words_safely_keeps_none_and_says_so(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await sam.page.add_init_script(NO_SAFE_PLACE)
        await sam.page.reload()
        await sam.is_told_connected()
        await types(sam, "On line. ")
        await is_saved(sam)
        await sam.drops()
        await types(sam, "Off line.")

        async def says_so() -> bool:
            said = await part(sam, "saved")
            return said == "Not connected. Nothing is kept on this device: please leave this page open."

        await until(says_so, "Sam to be told", 20)
        assert await kept_on_device(sam) == 0
        await sam.comes_back()
        await say_the_same(alex, sam, words="On line. Off line.", seconds=20)
