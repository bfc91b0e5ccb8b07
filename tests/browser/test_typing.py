"""Two people write in the same box at once: what both read in the end, and where each caret stays."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from tests.browser.people import Person, practice, real_session
from tests.browser.writing import (
    LONG,
    box,
    caret,
    composes,
    deleted,
    ime,
    is_saved,
    part,
    pastes,
    puts_caret,
    say_the_same,
    selects,
    text,
    types,
)
from tests.conftest import MakeHouse
from tests.house import House
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser


async def test_two_type_in_one_sentence_and_each_caret_stays(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "We went out.")
        await say_the_same(alex, sam, words="We went out.")
        await puts_caret(sam, 7)
        await asyncio.gather(types(alex, "Today. ", 0), sam.page.keyboard.type(", slowly,"))
        both = await say_the_same(alex, sam, words="Today. We went, slowly, out.")
        assert await caret(sam) == ("Today. We went, slowly,", " out.")
        assert await caret(alex) == ("Today. ", both[7:])
        await types(alex, " Then home.")
        await say_the_same(alex, sam)
        assert await caret(sam) == ("Today. We went, slowly,", " out. Then home.")
        await is_saved(sam)
        await is_saved(alex)
        assert await part(sam, "writing") == "Alex is writing here"


async def test_an_input_method_at_work_is_not_disturbed(chromium: Browser, house: House) -> None:
    """Typing before, inside of and after what is being composed comes at its end, and both have all of it."""
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "ab cd")
        await say_the_same(alex, sam, words="ab cd")
        await puts_caret(sam, 2)
        keys = await ime(sam)
        await composes(keys, "に")
        await types(alex, "BEFORE ", 0)
        await composes(keys, "にほ")
        await types(alex, "X", 9)
        await types(alex, " AFTER", -1)
        await is_saved(alex)
        await composes(keys, "日本")
        assert await text(sam) == "ab日本 cd", "the box is left alone meanwhile"
        assert await part(sam, "saved") != "Saved"
        await keys.send("Input.insertText", {"text": "日本"})
        both = await say_the_same(alex, sam)
        assert sorted(both) == sorted("BEFORE abX日本 cd AFTER")
        assert both.startswith("BEFORE ab") and both.endswith(" cd AFTER") and "日本" in both
        before, after = await caret(sam)
        assert before.endswith("日本"), (before, after)


async def test_emoji_combining_letters_and_right_to_left(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "😀🈀e\u0301")
        await say_the_same(alex, sam, words="😀🈀e\u0301")
        # At the edit's edge: another emoji with the same first half; one between two.
        await selects(sam, 0, 2)
        await asyncio.gather(pastes(sam, "😁"), types(alex, "🌻", -1))
        await say_the_same(alex, sam, words="😁🈀e\u0301🌻")
        await puts_caret(sam, 2)
        await sam.page.keyboard.press("Backspace")
        await say_the_same(alex, sam, words="🈀e\u0301🌻")
        await types(alex, "שלום ", 0)
        await say_the_same(alex, sam)
        await puts_caret(sam, 4)
        await sam.page.keyboard.type("لا")
        await say_the_same(alex, sam, words="שלוםلا 🈀e\u0301🌻")
        assert (await caret(sam))[0] == "שלוםلا"
        # What a keyboard that corrects does: one word for another.
        await types(alex, "teh", -1)
        await box(alex).evaluate("(area) => area.setSelectionRange(area.value.length - 3, area.value.length)")
        await pastes(alex, "the")
        assert (await say_the_same(alex, sam)).endswith("🌻the")
        assert await box(sam).get_attribute("dir") == "auto"


async def test_a_hundred_kilobytes_are_pasted_undone_and_redone(chromium: Browser, house: House) -> None:
    paste = "Zoë 🌻 and so on. " * 4_800
    assert len(paste.encode()) > 100_000
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "Mine. ")
        await types(sam, "Before. ", 0)
        await say_the_same(alex, sam)
        await puts_caret(sam, -1)
        await pastes(sam, paste)
        await say_the_same(alex, sam, words=f"Before. Mine. {paste}")
        await is_saved(sam)
        await sam.page.keyboard.press("Control+z")
        await say_the_same(alex, sam, words="Before. Mine. ")
        await sam.page.keyboard.press("Control+Shift+z")
        await say_the_same(alex, sam, words=f"Before. Mine. {paste}")
        assert await part(sam, "left") == ""
        await puts_caret(sam, -1)
        await pastes(sam, "x" * 85_000)
        await until(lambda: part(sam, "left"), "to be told that the box is nearly full")
        assert "more letters" in await part(sam, "left")


async def test_undo_takes_back_ones_own_words_only(chromium: Browser, house: House) -> None:
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "Alex. ")
        await say_the_same(alex, sam)
        await types(sam, "Sam. ")
        await say_the_same(alex, sam, words="Alex. Sam. ")
        await alex.presses("[data-box=looked] [data-part=undo]")
        await say_the_same(alex, sam, words="Sam. ")
        await alex.presses("[data-box=looked] [data-part=redo]")
        await say_the_same(alex, sam, words="Alex. Sam. ")


async def test_the_server_dies_in_mid_sentence(chromium: Browser, houses: MakeHouse) -> None:
    house = await houses()
    async with practice(chromium, house) as (alex, sam):
        await types(alex, "One two three. ")
        await say_the_same(alex, sam)
        typing = asyncio.gather(
            types(alex, "Alex writes on and on. ", 0), types(sam, "So does Sam, all the while.", -1)
        )
        await house.kill()
        await typing
        await sam.is_told_not_connected()
        await until(lambda: is_kept(sam), "to be told that the words are kept here")
        await types(sam, " Still.", -1)
        await house.start()
        both = await say_the_same(alex, sam, seconds=20)
        assert both == "Alex writes on and on. One two three. So does Sam, all the while. Still."
        assert (await caret(sam))[1] == ""
        assert await caret(alex) == ("Alex writes on and on. ", both[23:])
        await is_saved(sam)
        assert house.output.count("notes_differ") == 0


async def test_a_long_passage_that_was_deleted_is_not_gone(chromium: Browser, house: House) -> None:
    """[NT7] [NT8]"""
    async with practice(chromium, house) as (alex, sam):
        await types(sam, f"Before. {LONG} After.")
        await say_the_same(alex, sam)
        await selects(alex, 8, 8 + len(LONG))
        await alex.page.keyboard.press("Delete")
        await say_the_same(alex, sam, words="Before.  After.")
        for person in (alex, sam):
            await until(partial(deleted, person), "the passage to be listed")
            [(words, about)] = await deleted(person)
            assert words == LONG and "Written by Sam. Deleted by Alex." in about
        # Both bring it back at once: it is there once.
        press = "document.querySelector('[data-passage] button').click()"
        await asyncio.gather(*(each.page.evaluate(press) for each in (alex, sam)))
        await until(lambda: not_any(alex, sam), "the list to be empty")
        await say_the_same(alex, sam, words=f"Before. {LONG} After.")
        assert not await alex.page.locator("[data-copage=lost]").is_visible()
        # The writer removes it for good.
        await selects(alex, 8, 8 + len(LONG))
        await alex.page.keyboard.press("Delete")
        await until(lambda: deleted(sam), "the passage to be listed")
        assert await alex.page.locator("[data-passage] summary").count() == 0, "it is not Alex's to remove"
        await sam.presses("[data-passage] summary")
        await sam.presses("[data-passage] details button")
        await until(lambda: not_any(alex, sam), "the list to be empty")


async def is_kept(person: Person) -> bool:
    return (await part(person, "saved")).startswith("Not connected. Your words are kept")


async def not_any(*people: Person) -> bool:
    return not any([await deleted(each) for each in people])


async def test_nobody_writes_alone_and_who_is_away_will_see_it(chromium: Browser, house: House) -> None:
    """[NT1]"""
    async with real_session(chromium, house) as (kim, robin):
        await types(kim, "Hello. ")
        await say_the_same(kim, robin)
        await kim.page.locator("[data-copage=mute]").check()
        await types(robin, "Hi. ")
        await say_the_same(kim, robin)
        assert await part(kim, "writing") == ""
        await robin.drops()
        who = kim.page.locator("[data-copage=notes-who]")
        await until(lambda: who.is_visible(), "to be told that Robin is away", 20)
        assert await who.inner_text() == "Robin is not connected, and will see this when back."
        await types(kim, "For later.")
        await is_saved(kim)
        await robin.comes_back()
        await say_the_same(kim, robin, words="Hello. Hi. For later.")
        await robin.leaves()
        await until(lambda: box(kim).evaluate("(area) => area.readOnly"), "the boxes to be closed")
        assert "has left" in await who.inner_text()
