"""In the language of tests every text of the catalogue looks different, so what was left out of it shows."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from server.clinic import load_clinic
from server.pages.practice import NAMES
from server.words import PSEUDO, Words
from tests.browser.people import CONTENT
from tests.browser.screens import JOB, LATE, NOTES, OTHER, ROOM, SENTENCE, STAFF, WORKER, screens
from tests.conftest import MakeHouse

if TYPE_CHECKING:
    from playwright.async_api import Browser

LATIN = re.compile(r"[A-Za-z]{2,}")
ADDRESSES = re.compile(r"https?://\S+")
CHOSEN = re.compile(r"worker-[0-9a-f]{12}|Ada-[0-9a-f]{6}")
"""What those who work here sign in with, and the name that an admin gives a colleague."""

TEXTS = """() => {
  const found = [document.title];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (element.closest("script, style, noscript, [data-block], .tags a, time, .code, .codes, .secret")) continue;
    found.push(walker.currentNode.textContent);
  }
  for (const element of document.querySelectorAll("*:not(.scrolls, [data-block] img)")) {
    for (const name of ["aria-label", "aria-description", "title", "alt", "placeholder", "data-done"]) {
      found.push(element.getAttribute(name) ?? "");
    }
  }
  return found.map((text) => text.trim()).filter(Boolean);
}"""


@pytest.mark.timeout(240)
async def test_no_page_has_words_beside_the_catalogue(chromium: Browser, houses: MakeHouse) -> None:
    house = await houses(COPAGE_LANGUAGE=PSEUDO)
    left_out = []
    texts = 0
    async for screen in screens(chromium, house):
        for text in await screen.page.evaluate(TEXTS):
            texts += 1
            if LATIN.search(_without_what_is_given(text)):
                left_out.append(f"{screen.name}: {text}")
    print(f"{texts} texts looked at")
    assert not left_out, "\n".join(left_out)
    assert texts > 300


def _without_what_is_given(text: str) -> str:
    """Without addresses, people's names, and the words of the pack and the clinic."""
    text = CHOSEN.sub("", ADDRESSES.sub("", text))
    for given in _GIVEN:
        text = text.replace(given, "")
    return text


def _given() -> list[str]:
    clinic = load_clinic(None)
    from_clinic = [
        clinic.cut_off,
        *clinic.what_is_kept,
        *(word for line in clinic.help for word in (line.name, line.when)),
    ]
    from_pack = [word for page in CONTENT.pages.values() for word in (page.title, page.summary, page.area)]
    names = [
        WORKER,
        JOB,
        OTHER,
        LATE,
        *STAFF,
        ROOM,
        SENTENCE,
        *(words.strip() for words in NOTES),
        clinic.time_zone,
        "Our page",
        *(Words(PSEUDO)(name) for name in NAMES.values()),
    ]
    # Longest first: a short one may be a part of a longer one.
    return sorted({*from_clinic, *from_pack, *names}, key=len, reverse=True)


_GIVEN = _given()
