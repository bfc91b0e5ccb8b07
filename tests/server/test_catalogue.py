"""Every text comes from the catalogue, is kind, and changes with the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest

from rooms import wire
from server.clinic import BUILT_IN
from server.content import STARTER
from server.words import CLIENT_WORDS, GOODBYE_WORDS, REFUSAL_WORDS, Words, WordsProblem
from tests.conftest import MakeHouse
from tests.server.catalogue import POT, TOP, messages, template
from tests.visitor import Held, Visitor

FORBIDDEN = re.compile(
    r"\b(someone|unknown|detected|monitor\w*|track\w*|watching|following|observe\w*|recorded|suspicious|invalid|illegal|"
    r"violation|failed|expired|service user|participant|client)\b",
    re.IGNORECASE,
)
LATIN = re.compile(r"[A-Za-z]{2,}")
SHOWN_ATTRIBUTES = {"aria-label", "title", "alt", "placeholder", "data-done", "value", "content"}


def test_the_template_in_the_repository_is_what_the_sources_say() -> None:
    assert POT.read_bytes() == template(), "run: python -m tests.server.catalogue"


def test_every_refusal_and_every_goodbye_has_its_sentence() -> None:
    assert set(REFUSAL_WORDS) == set(wire.REFUSALS)
    assert set(GOODBYE_WORDS) == {code for code, _ in wire.GOODBYES}


def test_the_browser_gets_exactly_the_sentences_that_its_script_asks_for() -> None:
    source = (TOP / "client_templates" / "src" / "words.ts").read_text()
    lists = re.findall(r"export const \w+_WORDS = \[(.*?)\]", source, re.DOTALL)
    asked = {key for keys in lists for key in re.findall(r'"([^"]+)"', keys)}
    assert asked == set(CLIENT_WORDS)


def test_no_text_uses_a_word_that_puts_a_person_in_the_wrong() -> None:
    texts = [*messages(), BUILT_IN.read_text(), *(page.read_text() for page in STARTER.glob("*.md"))]
    assert len(texts) > 100
    assert [found[0] for text in texts for found in [FORBIDDEN.search(text)] if found] == []


def test_no_template_holds_a_text_of_its_own() -> None:
    templates = sorted((TOP / "client_templates").glob("*.html"))
    assert len(templates) > 10
    for file in templates:
        left = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", file.read_text(), flags=re.DOTALL)
        assert literal(left) == [], file.name


def test_a_text_in_a_template_would_be_found() -> None:
    assert literal('<p title="Hello">Come in</p>') == ["Hello", "Come in"]


def test_a_language_without_a_catalogue_stops_the_start_with_one_line() -> None:
    for language in ("xx", "../en", ""):
        with pytest.raises(WordsProblem):
            Words(language)


def test_the_pseudo_language_keeps_the_places_to_fill() -> None:
    said = Words("qps").for_browser()["page.turned_by"]
    assert "{name}" in said and "{title}" in said and not LATIN.search(re.sub(r"\{\w+\}", "", said))


# --- the whole site in the pseudo-language: whatever is still in Latin letters was not in the catalogue ---


async def test_no_english_is_left_on_any_page_of_another_language(houses: MakeHouse, tmp_path: Path) -> None:
    clinic = tmp_path / "clinic.toml"
    clinic.write_text(
        'language = "en"\nwhat_is_kept = ["Ничего."]\ncut_off = "Ждите."\n[[help]]\nname = "Дом"\nwhen = "Днём."\n'
    )
    house = await houses(COPAGE_LANGUAGE="qps", COPAGE_NAME_SHOWN="Наша страница", COPAGE_CLINIC_FILE=str(clinic))
    async with Visitor(house) as olga, Visitor(house) as ivan:
        seen = [
            (await visitor.looks_at(address)).text
            for visitor in [ivan]
            for address in ("/", "/check", "/sign-in", "/left", "/over", "/nowhere", "/practice/none", "/s/none")
        ]
        seen.append((await olga.looks_at(house.link)).text)
        seen.append((await olga.sends(f"{house.link}/account", login="o", password="", shown="", job="")).text)
        await olga.makes_account("olga", "Ольга", "сестра")
        practice = await olga.sends("/desk/practice")
        seen.append((await olga.looks_at(practice.headers["location"])).text)
        seen.append((await ivan.sends("/sign-in", login="olga", password="another")).text)
        own, link = await olga.starts_session()
        seen.append((await olga.looks_at("/desk")).text)
        seen.append((await ivan.looks_at(link)).text)
        seen.append((await ivan.sends(link, name="Ольга, сестра")).text)
        other = await ivan.comes_in(link, "Иван")
        seen.append((await ivan.looks_at(link)).text)
        seen.extend([await the_session(olga, own), await the_session(ivan, other)])
    for html in seen:
        assert "«" in html
        assert literal(without_articles(html)) == []
        assert english_in_boot(html) == []


async def the_session(visitor: Visitor, held: Held) -> str:
    answer = await visitor.looks_at_with(held)
    assert answer.status_code == 200
    return answer.text


def without_articles(html: str) -> str:
    """A pack has a language of its own."""
    return re.sub(r"<article.*?</article>", "", html, flags=re.DOTALL)


def english_in_boot(html: str) -> list[str]:
    boot = re.search(r'<script type="application/json" id="boot">(.*?)</script>', html, re.DOTALL)
    words = json.loads(boot[1])["words"] if boot else {}
    return [said for said in words.values() if LATIN.search(re.sub(r"\{\w+\}", "", said))]


def literal(html: str) -> list[str]:
    """The pieces of a page in Latin letters that a person would read."""
    return list(_Reader.read(html))


class _Reader(HTMLParser):
    """Collects what is read: text outside scripts, and attributes that are shown or read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []
        self._script = False

    @classmethod
    def read(cls, html: str) -> Iterator[str]:
        reader = cls()
        reader.feed(html)
        reader.close()
        return (piece for piece in reader.pieces if LATIN.search(piece))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._script = tag == "script"
        if tag in ("meta", "button"):
            return  # Their contents and values are for programs.
        for name, value in attrs:
            is_text = name in SHOWN_ATTRIBUTES and not (value or "").startswith("http")
            if is_text and ("login", "olga") not in ((dict(attrs).get("name"), value),):
                self.pieces.append((value or "").strip())

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if not self._script:
            self.pieces.append(data.strip())
