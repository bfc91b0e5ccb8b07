"""The door, without script: what is read there, how long one waits, what one sees meanwhile, and how it ends."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx2
import pytest

from server.identity.tickets import SENTENCE_LETTERS, WAITING_AT_ONCE
from tests.conftest import MakeHouse
from tests.server.inside import inside_of
from tests.visitor import Held, Visitor, boot_of

IN_AN_APP = "Mozilla/5.0 (Linux; Android 14; wv) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"
IN_A_BROWSER = "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/120 Mobile Safari/537.36"


@pytest.fixture
async def device(desk: Visitor) -> AsyncIterator[Visitor]:
    """Sam's browser."""
    async with Visitor(desk.house) as visitor:
        yield visitor


async def gets(held: Held, address: str) -> httpx2.Response:
    """What a device asks for below the address of its ticket."""
    async with httpx2.AsyncClient(headers={"Cookie": held.cookie_header, "X-Copage": "1"}) as http:
        return await http.get(f"{held.address}/{address}")


async def news(held: Held) -> tuple[str, str]:
    """What the script of a waiting page is told: how it stands, and the sentence."""
    told = (await gets(held, "news")).json()
    assert set(told) == {"state", "sentence"}
    return told["state"], told["sentence"]


# --- before one knocks ---


async def test_the_door_names_alex_and_says_what_is_shared_kept_and_heard(desk: Visitor, device: Visitor) -> None:
    link = await desk.link_of(await desk.starts_room())
    door = (await device.looks_at(link)).text
    for said in (
        "look at the same page together with Alex, nurse",
        "cannot hear you or see you",
        "all of this is deleted here",
    ):
        assert said in door
    for said in ("The others in the session see your name", "does not empty your browser’s list of visited pages"):
        assert said in door


async def test_who_opens_the_link_inside_another_app_is_told_what_to_tap(desk: Visitor, device: Visitor) -> None:
    link = await desk.link_of(await desk.starts_room())
    said = "choose “Open in browser”"
    assert said in (await device.looks_at(link, **{"User-Agent": IN_AN_APP})).text
    assert said not in (await device.looks_at(link, **{"User-Agent": IN_A_BROWSER})).text


async def test_a_link_for_tomorrow_says_when_and_lets_nobody_knock(desk: Visitor, device: Visitor) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    planned = await desk.sends("/desk/prepare", day=f"{tomorrow:%Y-%m-%d}", time="10:00")
    link = await desk.link_of(planned.headers["location"])
    for answer in (await device.looks_at(link), await device.sends(link, name="Sam")):
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
        assert "You are early" in answer.text and f"{tomorrow:%Y-%m-%d} 10:00" in answer.text


async def test_a_quarter_of_an_hour_before_one_may_wait(desk: Visitor, device: Visitor) -> None:
    soon = datetime.now(UTC) + timedelta(minutes=14)
    planned = await desk.sends("/desk/prepare", day=f"{soon:%Y-%m-%d}", time=f"{soon:%H:%M}")
    sam = await device.knocks(await desk.link_of(planned.headers["location"]))
    assert await desk.arrival_of(sam)


async def test_a_code_leads_to_the_same_door_and_never_shows_the_link(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    link = await desk.link_of(room)
    [code] = re.findall(r'class="code">(\w{4}-\w{4})<', (await desk.looks_at(room)).text)
    door = await device.sends("/code", code=code.lower().replace("-", " "))
    assert door.status_code == 200 and "Come in when you are ready" in door.text
    assert link.rpartition("/")[2] not in door.text and f'value="{code.replace("-", "")}"' in door.text
    again = await device.sends("/code", code=code, name="Alex, nurse")
    assert again.status_code == 422 and "choose another name" in again.text and 'name="code"' in again.text
    knocked = await device.sends("/code", code=code, name="Sam")
    assert knocked.status_code == 303
    assert "Please wait a moment, Sam" in (await device.looks_at(knocked.headers["location"])).text
    await desk.does(room, "link")
    assert (await device.sends("/code", code=code)).status_code == 422, "it went with its link"


async def test_when_twenty_wait_the_next_one_is_asked_to_call(tmp_path: Path) -> None:
    async with inside_of(tmp_path) as inside, await inside.alex() as alex, inside.visitor() as device:
        link = await alex.link_of(await alex.starts_room())
        for number in range(WAITING_AT_ONCE):
            await device.knocks(link, f"Sam {number}")
        answer = await device.sends(link, name="Sam")
        assert answer.status_code == 422 and "Please call the person who gave you the link" in answer.text
        assert "set-cookie" not in answer.headers


# --- waiting ---


async def test_who_waits_gets_nothing_of_the_session_dr3(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    await desk.sends_with(alex, "turn", page="hard-day")
    sam = await device.knocks(link)
    page = await device.looks_at_with(sam)
    assert page.status_code == 200 and "Please wait a moment, Sam" in page.text
    assert "You are waiting for Alex, nurse." in page.text
    assert set(boot_of(page)) == {"ticket", "waited", "later", "words"}
    before = boot_of(await desk.looks_at_with(alex))["view"]
    for answer in (await gets(sam, "page/people"), await gets(sam, "arrivals")):
        assert "Please wait a moment, Sam" in answer.text and "<article" not in answer.text
    for form in ("turn", "end", "remove"):
        sent = await device.sends_with(sam, form, page="people", person=before["you"])
        assert "Please wait a moment, Sam" in sent.text and sent.status_code == 200
    socket = await gets(sam, "live/?EIO=4&transport=polling")
    assert socket.status_code == 403 and "[no_ticket]" in socket.text
    assert boot_of(await desk.looks_at_with(alex))["view"] == before


async def test_pages_are_read_alone_meanwhile_and_nobody_is_told_dr3(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    before = boot_of(await desk.looks_at_with(alex))
    sam = await device.knocks(link)
    waiting = await device.looks_at_with(sam)
    topics = re.findall(rf'href="/s/{sam.ticket}/topic/([\w-]+)"', waiting.text)
    assert 2 <= len(topics) <= 7
    for topic in topics:
        page = await gets(sam, f"topic/{topic}")
        assert page.status_code == 200 and "<article" in page.text and "Back to waiting" in page.text
    assert (await gets(sam, "topic/nowhere")).status_code == 404
    assert boot_of(await desk.looks_at_with(alex)) == before
    await desk.admits(sam)
    assert (await gets(sam, f"topic/{topics[0]}")).headers["location"] == f"/s/{sam.ticket}"


async def test_alex_writes_a_sentence_to_who_waits(desk: Visitor, device: Visitor) -> None:
    sam = await device.knocks(await desk.link_of(await desk.starts_room()))
    assert await news(sam) == ("waiting", "")
    await desk.answers_at_the_door(sam, "sentence", sentence="  Five\nminutes, <b>Sam</b>. ")
    assert await news(sam) == ("waiting", "Five minutes, <b>Sam</b>.")
    for page in (await device.looks_at_with(sam), await gets(sam, "topic/people")):
        assert "A message from Alex, nurse:" in page.text and "Five minutes, &lt;b&gt;Sam&lt;/b&gt;." in page.text
    await desk.answers_at_the_door(sam, "sentence", sentence="x" * 1000)
    assert await news(sam) == ("waiting", "x" * SENTENCE_LETTERS)
    await desk.answers_at_the_door(sam, "sentence", sentence="")
    assert await news(sam) == ("waiting", "")


async def test_kind_words_come_after_five_minutes_and_others_after_fifteen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside_of(tmp_path) as inside, await inside.alex() as alex, inside.visitor() as device:
        sam = await device.knocks(await alex.link_of(await alex.starts_room()))

        async def kind_words() -> list[bool]:
            page = (await device.looks_at_with(sam)).text
            return [f'data-copage="{part}">' in page for part in ("later-1", "later-2")]

        inside.passes(monkeypatch, 4 * 60)
        assert await kind_words() == [False, False]
        inside.passes(monkeypatch, 2 * 60)
        assert await kind_words() == [True, False]
        inside.passes(monkeypatch, 9 * 60)
        assert await kind_words() == [False, True]


async def test_who_waits_may_stop_waiting(desk: Visitor, device: Visitor) -> None:
    sam = await device.knocks(await desk.link_of(await desk.starts_room()))
    door = await desk.arrival_of(sam)
    left = await device.sends_with(sam, "leave")
    assert left.headers["location"] == "/left" and len(left.headers.get_list("set-cookie")) == 2
    assert await desk.arrival_of(sam) is None
    late = await desk.sends(f"{door}/admit")
    assert late.status_code == 409 and "is not waiting any more" in late.text
    page = await device.looks_at_with(sam)
    assert page.status_code == 410 and "You have left" in page.text
    assert await news(sam) == ("left", "")


# --- how it ends ---


async def test_alex_asks_is_this_sam_and_lets_him_in_dr1(desk: Visitor, device: Visitor) -> None:
    _, link = await desk.starts_session()
    sam, noor = await device.knocks(link), await device.knocks(link, "Noor")
    asked = (await desk.looks_at("/desk")).text
    assert "Check by voice or face: is this Sam?" in asked and "Check by voice or face: is this Noor?" in asked
    assert (await desk.admits(sam)).status_code == 303
    assert await news(sam) == ("admitted", "")
    assert await device.page_of(sam) == "home"
    assert await news(noor) == ("turned_away", ""), "the link was for one device"
    assert (await device.looks_at_with(noor)).status_code == 410


async def test_who_is_turned_away_is_told_kindly_and_may_knock_again_dr5(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    sam = await device.knocks(link)
    await desk.answers_at_the_door(sam, "turn-away")
    page = await device.looks_at_with(sam)
    assert page.status_code == 410 and "You have done nothing wrong" in page.text and "Alex" not in page.text
    assert await news(sam) == ("turned_away", "")
    assert "removed" not in page.text and "<article" not in (await gets(sam, "page/people")).text
    again = await device.comes_in(link, desk)
    assert await device.page_of(again) == await desk.page_of(alex)


async def test_let_in_once_sam_comes_back_without_the_door_dr4(houses: MakeHouse) -> None:
    house = await houses()
    async with Visitor(house) as desk, Visitor(house) as device:
        await desk.makes_account()
        alex, link = await desk.starts_session()
        sam = await device.comes_in(link, desk)
        await desk.sends_with(sam, "turn", page="people")
        room = re.findall(r"/desk/rooms/[\w-]+", (await desk.looks_at("/desk")).text)[0]
        await desk.does(room, "link")
        noor = await device.knocks(await desk.link_of(room), "Noor")
        for _ in range(2):
            assert await device.page_of(sam) == "people", "loaded again"
        await house.kill()
        await house.start()
        assert await device.page_of(sam) == await device.page_of(alex) == "people"
        assert "Please wait a moment, Noor" in (await device.looks_at_with(noor)).text
        assert 'data-copage="open-curtain"' in (await device.looks_at_with(sam)).text
