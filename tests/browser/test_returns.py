"""Ten returns of somebody whose words had not arrived: each time every word is in the notes, once, or they are told.

Their browser keeps its profile in a folder, as on a phone of one's own, and is reloaded or killed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.browser.asleep import kill
from tests.browser.axe import barriers
from tests.browser.people import CURTAIN, DESKTOP, Person, makes_account, practice, real_session, starts_session
from tests.browser.test_curtain import phone_of_ones_own
from tests.browser.writing import is_saved, kept_on_device, part, say_the_same, text, types
from tests.conftest import MakeHouse
from tests.house import House
from tests.proxy import Proxy, Way
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext

CANARY = "Zaunkoenig singt im Haselstrauch"
"""Words that stand nowhere else: the folder of a killed browser is searched for them."""


class Stay:
    """A session of Kim's, and the phone of Robin, who is in it. The phone can be killed and switched on again."""

    def __init__(self, kim: Person, robin: Person, mark: str, profile: Path) -> None:
        self.kim, self.robin, self.profile = kim, robin, profile
        self.mark = mark
        self.address = robin.page.url

    async def is_killed(self) -> None:
        async with self.robin.context.expect_event("close"):
            kill(self.mark)
        found = [path for path in self.profile.rglob("*") if path.is_file() and holds(path, CANARY)]
        assert found == [], "typed words in clear on the device"


def holds(path: Path, words: str) -> bool:
    content = path.read_bytes()
    return any(words.encode(encoding) in content for encoding in ("utf-8", "utf-16-le", "utf-16-be"))


@asynccontextmanager
async def stay(chromium: Browser, house: House, profile: Path) -> AsyncIterator[Stay]:
    desk = await chromium.new_context(viewport=DESKTOP)
    try:
        page = await desk.new_page()
        await makes_account(page, house.new_link(), "Kim", "nurse")
        link = await starts_session(page)
        kim = Person("Kim, nurse", page)
        async with phone_of_ones_own(profile) as (context, _):
            robin = Person("Robin", await context.new_page())
            await robin.knocks(link, "Robin")
            await kim.admits("Robin")
            await robin.is_told_connected()
            address = robin.page.url
        # Closed once and opened again: a browser writes its cookies to the disk at leisure.
        async with phone_of_ones_own(profile) as (context, mark):
            robin = await opens(context, address)
            yield Stay(kim, robin, mark, profile)
    finally:
        await desk.close()


async def opens(context: BrowserContext, address: str) -> Person:
    robin = Person("Robin", await context.new_page())
    await robin.goes_to(address)
    await robin.goes_on()
    await robin.is_told_connected(20)
    await until(lambda: robin.page.locator("#box-looked").evaluate("(area) => !area.readOnly"), "the boxes to open")
    return robin


async def comes_back(how: str, there: Stay, house: House, network: Proxy) -> None:
    """By a reload, or with a new browser on the same folder; then the words are there, once, for both."""
    words = f"Kim was here. {CANARY}"
    if how == "reload":
        network.mend()
        await there.robin.page.reload(wait_until="commit")
        await there.robin.is_told_connected(20)
        await arrives(there.kim, there.robin, words)
        return
    await there.is_killed()
    network.mend()
    async with phone_of_ones_own(there.profile) as (context, _):
        await arrives(there.kim, await opens(context, there.address), words)


async def arrives(kim: Person, robin: Person, words: str) -> None:
    await say_the_same(kim, robin, words=words, seconds=20)
    await until(lambda: nothing_kept(robin), "the device to forget what has arrived")
    assert not await robin.page.locator("[data-copage=lost]").is_visible()


async def nothing_kept(person: Person) -> bool:
    return await kept_on_device(person) == 0


async def so_many_kept(person: Person, count: int) -> bool:
    """Letter by letter, if none of it is acknowledged."""
    return await kept_on_device(person) >= count


async def something_kept(person: Person) -> bool:
    return await kept_on_device(person) > 0


@pytest.mark.parametrize("how", ["reload", "kill"])
@pytest.mark.parametrize("when", ["on the way", "kept and not acknowledged", "sent and not kept"])
async def test_words_that_had_not_arrived_arrive_once(
    when: str, how: str, chromium: Browser, far: tuple[House, Proxy], tmp_path: Path
) -> None:
    house, network = far
    async with stay(chromium, house, tmp_path) as there:
        kim, robin = there.kim, there.robin
        await types(kim, "Kim was here. ")
        await say_the_same(kim, robin, words="Kim was here. ")
        if when == "on the way":
            network.cut(Way.UP)
        elif when == "kept and not acknowledged":
            network.cut(Way.DOWN)
        else:
            network.cut()
        await types(robin, CANARY)
        await until(lambda: so_many_kept(robin, len(CANARY)), "the device to keep the words")
        assert await part(robin, "saved") != "Saved"
        if when == "sent and not kept":
            network.abort_all()  # What was on the way is gone for good.
        await comes_back(how, there, house, network)


async def test_of_two_tabs_one_is_killed_and_the_other_sends_its_words(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        other = await opens(sam.context, sam.page.url)
        await types(alex, "Alex. ")
        await say_the_same(alex, sam, other)
        await sam.drops()
        first, second = "From the first tab. ", "From the second."
        await types(sam, first)
        await types(other, second)
        await until(lambda: so_many_kept(other, len(first + second)), "the device to keep the words")
        # A tab that crashes says goodbye to nobody.
        devtools = await sam.context.new_cdp_session(sam.page)
        async with sam.page.expect_event("crash"):
            crashing = asyncio.ensure_future(devtools.send("Page.crash"))
        crashing.cancel()
        await sam.page.close()
        await other.comes_back()
        await until(lambda: has_once(other, "Alex. ", first, second), "all words to be there", 25)
        await say_the_same(alex, other)
        await until(lambda: nothing_kept(other), "the device to forget what has arrived")


async def has_once(person: Person, *pieces: str) -> bool:
    """All of these, once each, and nothing else."""
    words = await text(person)
    return all(words.count(piece) == 1 for piece in pieces) and len(words) == len("".join(pieces))


async def test_a_duplicated_tab_sends_nothing_twice(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "Alex. ")
        await say_the_same(alex, sam)
        await sam.drops()
        await types(sam, "Not sent yet.")
        await until(lambda: something_kept(sam), "the device to keep the words")
        session = await sam.page.evaluate("JSON.stringify(sessionStorage)")
        await sam.comes_back()
        await sam.page.evaluate("document.querySelector('#box-looked').focus()")
        copy = Person("Sam", await sam.context.new_page())
        await copy.page.add_init_script(
            f"for (const [name, value] of Object.entries({session})) sessionStorage.setItem(name, value)"
        )
        await copy.goes_to(sam.page.url)
        await copy.goes_on()
        await copy.is_told_connected()
        await types(copy, " And from the copy.")
        await say_the_same(alex, sam, copy, words="Alex. Not sent yet. And from the copy.")
        await until(lambda: nothing_kept(sam), "the device to forget what has arrived")


async def test_after_the_session_has_ended_the_words_are_given_back(
    chromium: Browser, far: tuple[House, Proxy], tmp_path: Path
) -> None:
    """Who is still there reads them; for who comes back later they are gone, and the page says so."""
    house, network = far
    async with stay(chromium, house, tmp_path) as there:
        await types(there.kim, "Kim was here. ")
        await say_the_same(there.kim, there.robin)
        second = await opens(there.robin.context, there.address)
        network.cut()
        for tab in (there.robin, second):
            await types(tab, CANARY)
        await until(lambda: something_kept(second), "the device to keep the words")
        await second.page.close()
        await there.robin.drops()
        network.mend()
        await there.kim.is_told_connected(20)
        await there.kim.presses("details.end summary")
        await there.kim.presses("form[data-copage=end] button")
        await there.kim.page.locator("#made").wait_for()
        assert "Kim was here." in await there.kim.page.locator("#made").inner_text()
        await there.robin.comes_back()
        lost = there.robin.page.locator("[data-copage=covered-lost]")
        await lost.locator("blockquote").wait_for(timeout=20_000)
        assert CANARY in await lost.inner_text()
        await there.robin.presses("[data-copage=covered-lost] button:has-text('Delete')")
        await there.robin.page.locator("#made").wait_for()
        assert await kept_on_device(there.robin) == 0


async def test_a_killed_browser_that_comes_back_after_the_end_says_what_is_gone(
    chromium: Browser, far: tuple[House, Proxy], tmp_path: Path
) -> None:
    house, network = far
    async with stay(chromium, house, tmp_path) as there:
        network.cut(Way.UP)
        await types(there.robin, CANARY)
        await until(lambda: something_kept(there.robin), "the device to keep the words")
        await there.is_killed()
        network.mend()
        await there.kim.is_told_connected(20)
        await there.kim.presses("details.end summary")
        await there.kim.presses("form[data-copage=end] button")
        await there.kim.page.locator("#made").wait_for()
        async with phone_of_ones_own(there.profile) as (context, _):
            page = await context.new_page()
            await page.goto(there.address)
            if await page.locator(CURTAIN).is_visible():
                await page.locator(CURTAIN).click()
            await page.locator("[data-copage=not-sent]").wait_for()
            assert await kept_on_device(Person("Robin", page)) == 0


async def test_after_an_older_backup_was_put_back_the_words_are_offered_again(
    chromium: Browser, houses: MakeHouse
) -> None:
    house = await houses()
    async with practice(chromium, house) as (alex, sam):
        await types(sam, "Old. ")
        await is_saved(sam)
        backup = house.data / "older.db"
        assert await (await house.command("backup", str(backup))).wait() == 0
        await types(sam, "New.")
        await is_saved(sam)
        await say_the_same(alex, sam, words="Old. New.")
        assert await (await house.command("restore", str(backup))).wait() == 0
        lost = sam.page.locator("[data-copage=lost]")
        await lost.locator("blockquote").wait_for(timeout=20_000)
        assert await lost.locator("blockquote").inner_text() == "New."
        assert await barriers(sam.page) == []
        await say_the_same(alex, sam, words="Old. ")
        await sam.presses("[data-copage=lost] button:has-text('Put in again')")
        await say_the_same(alex, sam, words="Old. \nNew.")
        assert not await lost.is_visible()


async def test_who_leaves_leaves_no_words_on_the_device(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (_, sam):
        await sam.drops()
        await types(sam, "Not sent yet.")
        await until(lambda: something_kept(sam), "the device to keep the words")
        await sam.leaves()
        await until(lambda: nothing_kept(sam), "nothing to be kept")
        await sam.comes_back()
        await sam.page.wait_for_url("**/left")


SEALS_SLOWLY = """
  window.sealed = 0;
  const encrypt = crypto.subtle.encrypt.bind(crypto.subtle);
  crypto.subtle.encrypt = async (...how) => {
    await new Promise((resolve) => setTimeout(resolve, 800));
    window.sealed += 1;
    return encrypt(...how);
  };
"""


async def test_words_that_are_being_sealed_when_somebody_leaves_do_not_come_onto_the_device(
    chromium: Browser, house: House
) -> None:
    async with real_session(chromium, house) as (_, robin):
        await robin.page.add_init_script(SEALS_SLOWLY)
        await robin.page.reload()
        await robin.is_told_connected()
        await robin.drops()
        await types(robin, "ab")
        await robin.leaves()
        await until(lambda: robin.page.evaluate("sealed >= 1"), "a letter to be sealed")
        assert await nothing_kept(robin)
