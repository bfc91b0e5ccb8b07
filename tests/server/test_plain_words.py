"""What a person reads who came by a link: short sentences, easy words, nobody put in the wrong, and no page left out.

Whoever reads may be frightened, tired, or holding a cracked phone in the street.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import TypeAlias

import jinja2
import jinja2.meta
import pyotp
import pytest
from starlette.requests import Request

from server.clinic import load_clinic
from server.content import load_content
from server.pages import Assets, Pages
from server.settings import read_settings
from server.words import Words
from tests.conftest import MakeHouse
from tests.house import House
from tests.reading import grade, sentences_in, sentences_of, syllables, whole, words_of
from tests.server.catalogue import TOP, messages_by_file
from tests.visitor import PASSWORD, Visitor

TEMPLATES = TOP / "client_templates"
GRADE_AT_MOST = 6
WORDS_AT_MOST = 20

FORBIDDEN = re.compile(
    r"\b(someone|unknown|detect\w*|monitor\w*|track\w*|watch\w*|follow(?!-up\b)\w*|observ\w*|record\w*|"
    r"suspicio\w*|invalid\w*|illegal\w*|violat\w*|fail\w*|expir\w*|service[ -]users?|participants?|clients?)\b",
    re.IGNORECASE,
)
"""In all their forms. A follow-up is a second meeting and goes after nobody."""
OF_HEALTH = re.compile(
    r"\b(clinic|health|mental|hospital|ward|nurse|doctor|psych\w*|therap\w*|treat\w*|medic\w*|ill(ness)?|patient|care|"
    r"carer|recover\w*|crisis|support|worker|counsel\w*)\b",
    re.IGNORECASE,
)

SIGNED_IN = frozenset(f"server/pages/{name}.py" for name in ("account", "admin", "admin_rooms", "desk", "room"))
"""What these say is read by staff only, on their own pages."""

Seen: TypeAlias = tuple[str, str, str]
"""The template, the state that its page is in, and the page."""


# --- what there is to read, found in the sources ---


def templates_under(template: str) -> set[str]:
    """Those that a template extends, includes or imports, and theirs."""
    tree = jinja2.Environment(extensions=["jinja2.ext.i18n"]).parse((TEMPLATES / template).read_text("utf-8"))
    named = {str(name) for name in jinja2.meta.find_referenced_templates(tree)}
    return named.union(*map(templates_under, named))


def outside(uses: Mapping[str, set[str]]) -> set[str]:
    """The pages that open to who is not signed in: all that have the frame of a page, and not that of staff."""
    return {name for name, under in uses.items() if "base.html" in under and "staff.html" not in {name, *under}}


TEXTS = sorted(set(messages_by_file()))
USES = {file.name: templates_under(file.name) for file in sorted(TEMPLATES.glob("*.html"))}
OUTSIDE = outside(USES)
PARTS_OUTSIDE = OUTSIDE.union(*(USES[name] for name in OUTSIDE))


def read_outside(file: str) -> bool:
    folder, _, name = file.partition("/")
    return name in PARTS_OUTSIDE if folder == "client_templates" else file not in SIGNED_IN


def filled(text: str) -> str:
    """A text of the catalogue with a name in its places."""
    return re.sub(r"%\(\w+\)s|\{\w+\}", "Sam", text)


# --- what does not fit ---


def complaints(name: str, sentences: Sequence[str]) -> Iterator[str]:
    """Everything in a page, or in a text by itself, that is not plain enough for Sam."""
    yield from too_long(name, sentences)
    yield from unkind(name, sentences)
    if whole(sentences) and hardest(sentences) > GRADE_AT_MOST:
        yield f"{name}: grade {hardest(sentences):.1f}: {' | '.join(sentences)}"


def too_long(name: str, sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        if len(words_of(sentence)) > WORDS_AT_MOST:
            yield f"{name}: {len(words_of(sentence))} words: {sentence}"


def unkind(name: str, sentences: Sequence[str]) -> Iterator[str]:
    for sentence in sentences:
        for found in FORBIDDEN.finditer(sentence):
            yield f"{name}: {found[0]!r}: {sentence}"


def hardest(sentences: Sequence[str]) -> float:
    """The grade, be it with headings, labels and buttons or without them."""
    return max(grade(each) for each in (sentences, whole(sentences)) if each)


# --- the pages, as Alex and Sam come to them ---


@pytest.fixture(scope="module")
async def seen(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    """Every page that Sam may come to, and those that Alex meets before the desk."""
    house = House(tmp_path_factory.mktemp("words"), environ={"COPAGE_SECOND_STEP": "required"})
    await house.start()
    try:
        async with Visitor(house) as alex, Visitor(house) as sam:
            walks = (anywhere(sam), to_the_desk(alex, sam), at_the_door(alex, sam), in_a_session(alex, sam))
            found = [page for walk in walks async for page in walk]
    finally:
        await house.stop()
    return [*found, ("left_here.html", "", left_while_the_store_does_not_answer())]


async def anywhere(sam: Visitor) -> AsyncIterator[Seen]:
    for template, address in (
        ("front", "/"),
        ("check", "/check"),
        ("code", "/code"),
        ("left", "/left"),
        ("sign_in", "/sign-in"),
        ("sentence", "/nowhere"),
    ):
        yield f"{template}.html", "", (await sam.looks_at(address)).text
    yield "code.html", "another code", (await sam.sends("/code", code="K7RM-2XQ4")).text
    yield "sign_in.html", "another password", (await sam.sends("/sign-in", login="alex", password="?")).text


async def to_the_desk(alex: Visitor, kim: Visitor) -> AsyncIterator[Seen]:
    """Alex signs in for the first time, invites Kim, and practises."""
    link = alex.house.link
    yield "start.html", "", (await alex.looks_at(link)).text
    yield "start.html", "asked again", (await alex.sends(f"{link}/account", login="a", password="")).text
    await alex.makes_account()
    asked = (await alex.looks_at("/sign-in/set-up")).text
    yield "second_step.html", "", asked
    yield "second_step.html", "asked again", (await alex.sends("/sign-in/set-up", code="1")).text
    [wrapped] = re.findall(r'name="wrapped" value="([^"]+)"', asked)
    [secret] = re.findall(r'id="secret">([A-Z2-7 ]+)<', asked)
    code = pyotp.TOTP(secret.replace(" ", "")).now()
    yield "recovery_codes.html", "", (await alex.sends("/sign-in/set-up", wrapped=wrapped, code=code)).text
    async with Visitor(alex.house) as phone:
        await phone.sends("/sign-in", login="alex", password=PASSWORD)
        yield "sign_in_code.html", "", (await phone.looks_at("/sign-in/code")).text
        yield "sign_in_code.html", "asked again", (await phone.sends("/sign-in/code", code="1")).text
    invitation = await alex.invites("Kim", "", "worker")
    yield "welcome.html", "", (await kim.looks_at(invitation)).text
    yield "welcome.html", "asked again", (await kim.sends(invitation, login="k", password="")).text
    practice = await alex.sends("/desk/practice")
    yield "practice.html", "", (await alex.looks_at(practice.headers["location"])).text


async def at_the_door(alex: Visitor, sam: Visitor) -> AsyncIterator[Seen]:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    prepared = await alex.sends("/desk/prepare", label="Sam", day=f"{tomorrow:%Y-%m-%d}", time="10:00")
    yield "early.html", "", (await sam.looks_at(await alex.link_of(prepared.headers["location"]))).text
    room = await alex.starts_room()
    link = await alex.link_of(room)
    yield "door.html", "", (await sam.looks_at(link)).text
    yield "door.html", "asked again", (await sam.sends(link, name="")).text
    [code] = re.findall(r'class="code">([^<]+)<', (await alex.looks_at(room)).text)
    yield "door.html", "by a code", (await sam.sends("/code", code=code)).text
    waiting = await sam.knocks(link)
    yield "waiting.html", "", (await sam.looks_at(waiting.address)).text
    for topic in load_content().pages:
        yield "topic.html", topic, (await sam.looks_at(f"{waiting.address}/topic/{topic}")).text
    await alex.answers_at_the_door(waiting, "sentence", sentence="I am on my way.")
    yield "waiting.html", "a sentence", (await sam.looks_at(waiting.address)).text
    await alex.answers_at_the_door(waiting, "turn-away")
    yield "turned_away.html", "", (await sam.looks_at(waiting.address)).text
    await alex.does(room, "revoke")
    yield "closed_door.html", "revoked", (await sam.looks_at(link)).text


async def in_a_session(alex: Visitor, sam: Visitor) -> AsyncIterator[Seen]:
    room = await alex.starts_room()
    own, link = await alex.goes_in(room), await alex.link_of(room)
    held = await sam.comes_in(link, alex)
    yield "closed_door.html", "used", (await sam.looks_at(link)).text
    for page in load_content().pages:
        await sam.sends(f"{held.address}/turn", page=page)
        yield "session.html", page, (await sam.looks_at(held.address)).text
    alone = await sam.looks_at(f"{held.address}/page/hard-day", **{"sec-fetch-dest": "document"})
    yield "page_alone.html", "", alone.text
    yield "session.html", "asked again", (await sam.sends(f"{held.address}/turn", page="nowhere")).text
    [person] = re.findall(r'name="person" value="([^"]+)"', (await alex.looks_at(own.address)).text)
    await alex.sends(f"{own.address}/remove", person=person)
    yield "removed.html", "", (await sam.looks_at(held.address)).text
    await alex.does(room, "link")
    again = await sam.comes_in(await alex.link_of(room), alex)
    await alex.does(room, "link")
    waits = await sam.knocks(await alex.link_of(room), "Robin")
    await alex.does(room, "end")
    yield "over.html", "", (await sam.looks_at(waits.address)).text
    yield "closing.html", "", (await sam.looks_at(again.address)).text
    yield "closed_door.html", "over", (await sam.looks_at(link)).text


def left_while_the_store_does_not_answer() -> str:
    pages = Pages(read_settings({}), Words("en"), load_clinic(None), Assets())
    request = Request({"type": "http", "copage.nonce": ""})
    return bytes(pages.show(request, "left_here", ticket="x").body).decode()


# --- none is left out ---


def test_every_page_that_opens_without_signing_in_was_looked_at(seen: Sequence[Seen]) -> None:
    assert {template for template, _, _ in seen} == OUTSIDE
    for template, state, html in seen:
        texts = [text for file, text in TEXTS if file == f"client_templates/{template}"]
        assert any(text in unescape(html) for text in texts), f"{template} {state}: this is another page"


def test_a_new_page_would_be_missed_and_a_new_page_for_staff_would_not() -> None:
    new = {"new.html": {"base.html", "help.html"}, "staff's.html": {"staff.html", "base.html"}}
    assert outside({**USES, **new}) == OUTSIDE | {"new.html"}


def test_staff_are_those_whose_pages_ask_for_a_sign_in() -> None:
    assert {file for file, _ in TEXTS} >= SIGNED_IN
    for file in SIGNED_IN:
        assert "staff_only" in (TOP / file).read_text("utf-8")


# --- all of it is plain ---


def test_every_page_is_easy_to_read(seen: Sequence[Seen]) -> None:
    found: list[str] = []
    for template, state, html in seen:
        sentences, name = sentences_of(html), f"{template.removesuffix('.html')} {state}".strip()
        found += complaints(name, sentences)
        longest = max(len(words_of(sentence)) for sentence in sentences)
        print(f"grade {hardest(sentences):4.1f}, longest sentence {longest:2} words: {name}")
    assert found == []


def test_every_text_is_easy_to_read_by_itself() -> None:
    """Also those that the script says, and those of the wall."""
    outsiders = [(file, sentences_in(filled(text))) for file, text in TEXTS if read_outside(file)]
    assert {"server/words.py", "server/pages/door.py", "client_templates/waiting_parts.html"} <= dict(outsiders).keys()
    assert [each for file, sentences in outsiders for each in complaints(file, sentences)] == []


def test_what_staff_read_is_short_and_kind_too() -> None:
    texts = [(file, sentences_in(filled(text))) for file, text in TEXTS if not read_outside(file)]
    assert len(texts) > 100
    assert [each for file, sentences in texts for each in (*too_long(file, sentences), *unkind(file, sentences))] == []


def test_help_and_what_the_clinic_says_is_easy_to_read_as_it_comes() -> None:
    clinic = load_clinic(None)
    for name, texts in (
        ("what is kept", clinic.what_is_kept),
        ("help", [text for line in clinic.help for text in (line.name, line.when)]),
        ("cut off", [clinic.cut_off]),
    ):
        sentences = [sentence for text in texts for sentence in sentences_in(text)]
        print(f"grade {hardest(sentences):4.1f}: {name}")
        assert list(complaints(name, sentences)) == []


def test_the_pages_to_read_together_are_easy_to_read() -> None:
    for page in load_content().pages.values():
        sentences = sentences_of(f"<h1>{page.title}</h1><p>{page.summary}</p>{page.html}")
        print(f"grade {hardest(sentences):4.1f}: {page.id}")
        assert list(complaints(page.id, sentences)) == []


async def test_the_messages_to_send_name_neither_the_clinic_nor_anything_of_health(houses: MakeHouse) -> None:
    house = await houses(COPAGE_NAME_SHOWN="Hillside Clinic")
    async with Visitor(house) as alex:
        await alex.makes_account()
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        prepared = await alex.sends("/desk/prepare", label="Sam", day=f"{tomorrow:%Y-%m-%d}", time="10:00")
        for room in (await alex.starts_room(), prepared.headers["location"]):
            page = unescape((await alex.looks_at(room)).text)
            [message] = re.findall(r"<textarea[^>]*>(.*?)</textarea>", page, re.DOTALL)
            assert await alex.link_of(room) in message
            assert not OF_HEALTH.search(message) and "Hillside" not in message and "Sam" not in message
            without_link_and_time = re.sub(r"\S*\d\S*", "so.", message)
            assert list(complaints("message", sentences_in(without_link_and_time))) == []


# --- and it would be noticed ---


@pytest.mark.parametrize(
    "planted",
    [
        "Someone is watching.",
        "Your session has expired, so please try again.",
        "We follow what you do.",
        "The service-user is here.",
        "All participants agree.",
        "This is invalid.",
        "Take one step, and then another step, and then one more step, until you have come to the end of it.",
        "Authentication of unauthorised individuals necessitates administrative intervention. " * 25,
    ],
)
def test_a_sentence_that_does_not_fit_is_found_on_whatever_page_it_stands(seen: Sequence[Seen], planted: str) -> None:
    for template, state, html in seen:
        assert html.count("</main>") == 1
        sentences = sentences_of(html.replace("</main>", f"<p>{planted}</p></main>"))
        assert list(complaints(template, sentences)) != [], f"{template} {state}"


def test_what_only_looks_like_a_forbidden_word_may_stay() -> None:
    assert list(complaints("page", ["Ask for a follow-up.", "It is known.", "Some one-time links."])) == []


def test_syllables_are_counted_as_they_are_spoken() -> None:
    spoken = {
        1: "a the page named asked word’s don’t you’ll please leave 7",
        2: "session ended open people little pages trying being didn’t quiet careful something notice café",
        3: "connected another everyone together piano area happening everything idea video situates",
        4: "everybody emergency situation necessary",
    }
    for count, words in spoken.items():
        assert {word: syllables(word) for word in words.split()} == dict.fromkeys(words.split(), count)


def test_the_grade_is_that_of_flesch_and_kincaid() -> None:
    assert grade(["The cat sat on the mat."]) == pytest.approx(0.39 * 6 + 11.8 * 6 / 6 - 15.59)
    assert grade(["You can leave.", "Nobody is told."]) == pytest.approx(0.39 * 3 + 11.8 * 8 / 6 - 15.59)


def test_a_page_is_read_in_sentences() -> None:
    page = (
        "<head><title>No</title></head><body><header>No</header><main><h1>You <em>wait</em></h1><p>One. Two? “Three.”"
        " Four</p><button>Go</button> on <script>no()</script><p hidden>Later</p></main>"
    )
    assert sentences_of(page) == ["You wait", "One.", "Two?", "“Three.", "Four", "Go", "on", "Later"]
    assert whole(sentences_of(page)) == ["One.", "Two?", "“Three."]
