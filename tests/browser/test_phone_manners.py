"""Manners on a phone: the screen stays on, and the others read in plain words that it does something else."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser

from tests.browser.people import PHONE, Person, another_browser_of, practice, real_session
from tests.conftest import MakeHouse
from tests.house import House
from tests.waiting import until

WAKE_LOCK = """
  window.asked = 0;
  window.refuses = false;
  Object.defineProperty(navigator, "wakeLock", {value: {request: async () => {
    window.asked += 1;
    if (window.refuses) throw new DOMException("battery", "NotAllowedError");
    window.lock = {released: false, release: async () => { window.lock.released = true; }};
    return window.lock;
  }}});
"""
OUT_OF_SIGHT = """(hidden) => {
  Object.defineProperty(document, "hidden", {value: hidden, configurable: true});
  document.dispatchEvent(new Event("visibilitychange"));
}"""


async def out_of_sight(person: Person, hidden: bool) -> None:
    await person.page.evaluate(OUT_OF_SIGHT, hidden)


async def test_pr4_a_phone_that_does_something_else_is_no_lost_connection(chromium: Browser, house: House) -> None:
    """[PR4] And of a person with two devices only when neither is in sight."""
    async with practice(chromium, house) as (alex, sam), another_browser_of(sam, chromium) as sams_tablet:
        await sam.page.set_viewport_size(PHONE)
        await out_of_sight(sam, True)
        await out_of_sight(sams_tablet, True)
        await alex.is_told_of(sam, "doing something else on their device")
        sight = await alex.looks()
        assert sight is not None and [name for name, _ in sight.people].count("Sam") == 1, "one person, once"
        await out_of_sight(sams_tablet, False)
        await alex.is_told_of(sam, "here")


async def test_the_screen_stays_on_while_it_is_looked_at(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, _):
        await alex.page.context.add_init_script(WAKE_LOCK)
        await alex.page.reload(wait_until="commit")
        await alex.is_told_connected()
        await until(lambda: alex.page.evaluate("window.asked === 1 && !window.lock.released"), "the screen kept on")
        await out_of_sight(alex, True)
        await until(lambda: alex.page.evaluate("window.lock.released"), "the screen to be let go")
        await alex.page.evaluate("window.refuses = true")
        await out_of_sight(alex, False)
        await until(lambda: alex.page.evaluate("window.asked === 2"), "the screen to be asked for again")
        await alex.page.evaluate("window.refuses = false")
        await out_of_sight(alex, True)
        await out_of_sight(alex, False)
        await until(lambda: alex.page.evaluate("window.asked === 3"), "the screen to be asked for after a refusal")


async def test_pr3_after_a_restart_nobody_is_here_who_is_not(chromium: Browser, houses: MakeHouse) -> None:
    house = await houses()
    async with real_session(chromium, house) as (kim, robin):
        await asyncio.gather(kim.is_told_of(robin, "here"), robin.is_told_of(kim, "here"))
        await house.kill()
        await kim.is_told_not_connected()
        await robin.page.close()
        await house.start()
        await kim.is_told_connected()
        await kim.is_told_of(robin, "not connected")
