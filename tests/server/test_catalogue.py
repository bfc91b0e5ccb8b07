"""Every text comes from the catalogue, and changes with the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pyotp
import pytest

from rooms import wire
from server.words import CLIENT_WORDS, GOODBYE_WORDS, REFUSAL_WORDS, Words, WordsProblem
from tests.conftest import MakeHouse
from tests.server.catalogue import POT, TOP, template
from tests.visitor import PASSWORD, Visitor, boot_of

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
    house = await houses(**in_another_language(tmp_path))
    async with Visitor(house) as olga, Visitor(house) as ivan:
        plain = ("/", "/check", "/code", "/sign-in", "/left", "/nowhere", "/practice/none", "/s/none")
        seen = [(await ivan.looks_at(address)).text for address in (*plain, "/join/none")]
        seen.append((await ivan.sends("/code", code="0000 0000")).text)
        seen.append((await olga.looks_at(house.link)).text)
        seen.append((await olga.sends(f"{house.link}/account", login="o", password="", shown="", job="")).text)
        await olga.makes_account("olga", "Ольга", "сестра")
        practice = await olga.sends("/desk/practice")
        seen.append((await olga.looks_at(practice.headers["location"])).text)
        seen.append((await ivan.sends("/sign-in", login="olga", password="another")).text)
        seen.extend(await at_the_door(olga, ivan))
        seen.extend(await in_the_session(olga, ivan))
        seen.extend(await planned(olga, ivan))
    for html in seen:
        assert "«" in html
        assert literal(without_addresses(without_the_pack(html))) == []
        assert english_in_boot(html) == []


async def at_the_door(olga: Visitor, ivan: Visitor) -> list[str]:
    """All that a door, a waiting page and a room's page say, up to who is turned away."""
    room = await olga.starts_room()
    link = await olga.link_of(room)
    seen = [(await olga.looks_at(room)).text, (await ivan.looks_at(link)).text]
    seen.append((await ivan.looks_at(link, **{"User-Agent": "Instagram 300"})).text)
    seen.extend([(await ivan.sends(link, name=name)).text for name in ("Ольга, сестра", "")])
    [code] = re.findall(r'class="code">([\w-]+)<', seen[0])
    seen.append((await ivan.sends("/code", code=code)).text)
    waits = await ivan.knocks(link, "Иван")
    seen.append((await olga.looks_at("/desk")).text)
    await olga.answers_at_the_door(waits, "sentence", sentence="Сейчас.")
    seen.extend([(await olga.looks_at(room)).text, (await ivan.looks_at_with(waits)).text])
    seen.extend([(await ivan.looks_at(f"/s/{waits.ticket}/topic/{page}")).text for page in ("people", "none")])
    door = await olga.arrival_of(waits)
    await olga.answers_at_the_door(waits, "turn-away")
    seen.extend([(await ivan.looks_at_with(waits)).text, (await olga.sends(f"{door}/admit")).text])
    await olga.does(room, "revoke")
    seen.extend([(await ivan.looks_at(link)).text, (await olga.looks_at(room)).text])
    seen.append((await olga.sends(f"{room}/label", label="x" * 41)).text)
    return seen


async def in_the_session(olga: Visitor, ivan: Visitor) -> list[str]:
    """The session's page and what is shown instead of it to who is put out, has left, or comes when it is over."""
    room = await olga.starts_room()
    own, link = await olga.goes_in(room), await olga.link_of(room)
    seen, came = [], []
    for way in ("remove", "leave", "stay"):
        other = await ivan.comes_in(await olga.link_of(room), olga, "Иван")
        came.append(other)
        seen.extend([(await olga.looks_at_with(own)).text, (await ivan.looks_at_with(other)).text])
        seen.extend([(await olga.looks_at(room)).text, (await ivan.sends_with(other, "end")).text])
        if way == "remove":
            await olga.sends_with(own, "remove", person=boot_of(await ivan.looks_at_with(other))["view"]["you"])
        if way == "leave":
            await ivan.sends_with(other, "leave")
        seen.extend([(await ivan.looks_at_with(other)).text, (await ivan.looks_at(link)).text])
        await olga.does(room, "link")
    came.append(await ivan.knocks(await olga.link_of(room), "Пётр"))
    await olga.sends_with(own, "end")
    seen.extend([(await ivan.looks_at_with(held)).text for held in (own, *came)])
    seen.extend([(await ivan.looks_at(link)).text, (await olga.looks_at(room)).text])
    return seen


async def planned(olga: Visitor, ivan: Visitor) -> list[str]:
    """What is said of a session that is still to come."""
    tomorrow = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d}"
    seen = [(await olga.looks_at("/desk/prepare")).text]
    for fields in ({"time": ""}, {"time": "10:00", "room": "none"}, {"time": "10:00", "label": "\u200b"}):
        seen.append((await olga.sends("/desk/prepare", day=tomorrow, **fields)).text)
    room = (await olga.sends("/desk/prepare", day=tomorrow, time="10:00", label="Среда")).headers["location"]
    link = await olga.link_of(room)
    seen.extend([(await olga.looks_at(address)).text for address in (room, "/desk", "/desk/prepare")])
    seen.append((await ivan.looks_at(link)).text)
    await olga.does(room, "end")
    seen.extend([(await ivan.looks_at(link)).text, (await olga.looks_at("/desk/rooms/none")).text])
    return seen


async def test_no_english_is_left_on_the_pages_of_staff(houses: MakeHouse, tmp_path: Path) -> None:
    house = await houses(**in_another_language(tmp_path), COPAGE_SECOND_STEP="required")
    async with Visitor(house) as olga, Visitor(house) as ivan:
        await olga.makes_account("olga", "Ольга", "сестра")
        asked = (await olga.looks_at("/sign-in/set-up")).text
        seen = [asked, (await olga.sends("/sign-in/set-up", code="1")).text]
        [wrapped] = re.findall(r'name="wrapped" value="([^"]+)"', asked)
        [secret] = re.findall(r'id="secret">([A-Z2-7 ]+)<', asked)
        code = pyotp.TOTP(secret.replace(" ", "")).now()
        seen.append((await olga.sends("/sign-in/set-up", wrapped=wrapped, code=code)).text)
        await olga.invites("Иван", "", "worker", "supervisor")
        for form in ("name", "password", "second-step", "second-step/off"):
            seen.append((await olga.sends(f"/account/{form}")).text)
        for address in ("/account?done=name", "/account/second-step", "/admin"):
            seen.append((await olga.looks_at(address)).text)
        for address in set(re.findall(r"/admin/accounts/[\w-]+", seen[-1])):
            seen.extend([(await olga.looks_at(address)).text, (await olga.sends(f"{address}/roles")).text])
            seen.append((await olga.sends(f"{address}/reset")).text)
        seen.append((await olga.sends("/admin/accounts", shown="", job="")).text)
        await olga.starts_room()
        seen.append((await olga.looks_at("/admin/rooms")).text)
        [room] = set(re.findall(r"/admin/rooms/[\w-]+", seen[-1]))
        seen.append((await olga.looks_at(room)).text)
        [lead] = re.findall(r'name="account" value="([\w-]+)"', seen[-1])
        for form, account in (("add", "none"), ("remove", lead), ("lead", "none")):
            seen.append((await olga.sends(f"{room}/{form}", account=account)).text)
        link = await olga.invites("Пётр", "", "worker")
        seen.extend([(await ivan.looks_at(link)).text, (await ivan.sends(link, login="o", password="")).text])
        seen.append((await ivan.looks_at("/welcome/none")).text)
        await ivan.sends("/sign-in", login="olga", password=PASSWORD)
        seen.extend([(await ivan.looks_at("/sign-in/code")).text, (await ivan.sends("/sign-in/code", code="1")).text])
    for html in seen:
        assert "«" in html
        said = without_codes(html)
        assert literal(said) == []


def in_another_language(folder: Path) -> dict[str, str]:
    """Settings under which no word of our own is in Latin letters."""
    clinic = folder / "clinic.toml"
    clinic.write_text(
        'language = "en"\nwhat_is_kept = ["Ничего."]\ncut_off = "Ждите."\n[[help]]\nname = "Дом"\nwhen = "Днём."\n'
    )
    return {
        "COPAGE_LANGUAGE": "qps",
        "COPAGE_NAME_SHOWN": "Наша страница",
        "COPAGE_CLINIC_FILE": str(clinic),
    }


def without_codes(html: str) -> str:
    """Secrets and recovery codes are letters of no language, and a name to sign in with is the person's own."""
    return re.sub(r"<code.*?</code>|\bolga\b", "", html, flags=re.DOTALL)


def without_addresses(html: str) -> str:
    """Addresses, codes to say and the name of a time zone are of no language."""
    return re.sub(r"https?://[\w.:/-]+|<strong class=\"code\">.*?</strong>|\bUTC\b", "", html)


def without_the_pack(html: str) -> str:
    """A pack has a language of its own: its pages, and where their titles are named."""
    return re.sub(r"<(article|(?:a|ul)(?=[^>]* lang=))\b.*?</\1>", "", html, flags=re.DOTALL)


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
        if tag in ("meta", "button", "option") or dict(attrs).get("type") in ("hidden", "checkbox"):
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
