"""What people do with the notes, in words: `await types(alex, "Hello")`, `await say_the_same(alex, sam)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.browser.people import Person
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import CDPSession, Locator

BOXES = ("looked", "brought_up", "felt", "next")
LONG = "A passage that is longer than forty letters, which is all it takes."


def box(who: Person, name: str = "looked") -> Locator:
    return who.page.locator(f"#box-{name}")


async def text(who: Person, name: str = "looked") -> str:
    return await box(who, name).input_value()


async def puts_caret(who: Person, at: int, name: str = "looked") -> None:
    """In front of a unit; counted from the end if negative."""
    await box(who, name).evaluate(
        """(area, at) => {
          const to = at < 0 ? area.value.length + 1 + at : at;
          area.focus();
          area.setSelectionRange(to, to);
        }""",
        at,
    )


async def caret(who: Person, name: str = "looked") -> tuple[str, str]:
    """What stands before the caret, and what behind it."""
    before, after = await box(who, name).evaluate(
        "(area) => [area.value.slice(0, area.selectionStart), area.value.slice(area.selectionEnd)]"
    )
    return before, after


async def types(who: Person, words: str, at: int = -1, name: str = "looked") -> None:
    await puts_caret(who, at, name)
    await who.page.keyboard.type(words)


async def part(who: Person, what: str, name: str = "looked") -> str:
    """What is said under a box: `saved`, `writing`, `left`."""
    return (await who.page.locator(f"[data-box={name}] [data-part={what}]").inner_text()).strip()


async def is_saved(who: Person, name: str = "looked", seconds: float = 10) -> None:
    async def said() -> bool:
        return await part(who, "saved", name) == "Saved"

    await until(said, f"{who.name}'s words to be saved", seconds)


async def say_the_same(*people: Person, name: str = "looked", words: str | None = None, seconds: float = 15) -> str:
    """Wait until the box says the same to all, and `words` if given. Gives what it says."""
    seen: list[str] = []

    async def same() -> bool:
        seen[:] = [await text(each, name) for each in people]
        return len(set(seen)) == 1 and words in (None, seen[0])

    try:
        await until(same, "everybody to read the same", seconds)
    except AssertionError as error:
        raise AssertionError(f"{error}: {[each[:200] for each in seen]}") from None
    return seen[0]


async def ime(who: Person) -> CDPSession:
    return await who.context.new_cdp_session(who.page)


async def composes(session: CDPSession, words: str) -> None:
    """What an input method has made of the keys so far."""
    end = len(words)
    await session.send("Input.imeSetComposition", {"text": words, "selectionStart": end, "selectionEnd": end})


async def pastes(who: Person, words: str) -> None:
    """What the clipboard's content does to a text box, as one edit."""
    await who.page.keyboard.insert_text(words)


async def kept_on_device(who: Person) -> int:
    """How many rows this device keeps."""
    count: int = await who.page.evaluate(
        """() => new Promise((resolve) => {
          const opening = indexedDB.open("kept");
          opening.onsuccess = () => {
            const store = opening.result.transaction("words").objectStore("words").count();
            store.onsuccess = () => { opening.result.close(); resolve(store.result); };
          };
        })"""
    )
    return count


async def selects(who: Person, start: int, end: int, name: str = "looked") -> None:
    await box(who, name).evaluate(
        "(area, [start, end]) => { area.focus(); area.setSelectionRange(start, end); }", [start, end]
    )


async def deleted(who: Person) -> list[tuple[str, str]]:
    """What stands under *Deleted just now*: the words, and who did what."""
    found: Any = await who.page.evaluate(
        """() => [...document.querySelectorAll("[data-passage]")].map((item) => [
          item.querySelector("blockquote").textContent, item.querySelector(".quiet").textContent])"""
    )
    return [(words, about) for words, about in found]
