"""One room: its name, its links and codes, being let in and put out, and what is left when a session is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms import SERVER, Join
from rooms.events import Role
from tests.live_client import LiveClient
from tests.server.inside import Inside, inside_of
from tests.visitor import Held, Visitor, boot_of

HOUR = 3600.0


@pytest.fixture
async def device(desk: Visitor) -> AsyncIterator[Visitor]:
    """Sam's browser."""
    async with Visitor(desk.house) as visitor:
        yield visitor


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    """A house whose clock can be moved."""
    async with inside_of(tmp_path) as inside:
        yield inside


async def session_of(desk: Visitor, room: str) -> str:
    """Where the forms of a room's session go to, be they on its page or not."""
    [session] = re.findall(rf'action="({room}/sessions/[\w-]+)/enter"', (await desk.looks_at(room)).text)
    return str(session)


async def you(held: Held, visitor: Visitor) -> str:
    """Who a device's participant is."""
    return str(boot_of(await visitor.looks_at_with(held))["view"]["you"])


async def named(visitor: Visitor, held: Held) -> dict[str, bool]:
    """Who is or was in the session, and whether they have left."""
    return {person["name"]: person["left"] for person in boot_of(await visitor.looks_at_with(held))["view"]["people"]}


async def is_out(visitor: Visitor, held: Held) -> bool:
    """Whether a device is shown the plain page of who was put out, and nothing more."""
    answer = await visitor.looks_at_with(held)
    if answer.status_code == 200:
        return False
    assert answer.status_code == 410 and "not open on this device any more" in answer.text
    assert "boot" not in answer.text and "<article" not in answer.text and "Alex" not in answer.text
    assert all("max-age=0" in line.lower() for line in answer.headers.get_list("set-cookie"))
    return True


# --- the room itself ---


async def test_starting_twice_at_once_is_one_session(desk: Visitor) -> None:
    room = await desk.starts_room()
    await desk.sends(f"{room}/label", label="Sam")
    await desk.does(room, "end")
    answers = await asyncio.gather(*(desk.sends(f"{room}/start") for _ in range(6)))
    assert {answer.status_code for answer in answers} <= {303, 409} and answers
    assert (await desk.looks_at(room)).text.count("<h2 id=") == 1 + 1, "the door, and one session"
    again = await desk.sends(f"{room}/start")
    assert again.headers["location"] == room and (await desk.looks_at(room)).text.count("Open now") == 1


async def test_a_room_is_named_and_without_a_name_goes_with_its_last_session_se7(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await inside.alex() as desk:
        kept, gone = await desk.starts_room(), await desk.starts_room()
        assert (await desk.sends(f"{kept}/label", label="Sam on Fridays")).headers["location"] == kept
        refused = await desk.sends(f"{kept}/label", label="x" * 41)
        assert refused.status_code == 422 and "name of up to 40 letters" in refused.text
        for room in (kept, gone):
            await desk.does(room, "end")
        inside.passes(monkeypatch, 25 * HOUR)
        await desk.signs_in()
        assert await inside.sweeps() == 2
        assert "Sam on Fridays" in (await desk.looks_at(kept)).text
        assert (await desk.looks_at(gone)).status_code == 404
        assert (await desk.sends(f"{kept}/label", label="")).headers["location"] == "/desk"
        assert (await desk.looks_at(kept)).status_code == 404


async def test_a_new_code_takes_the_place_of_the_old_one(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    codes = []
    for _ in range(2):
        codes += re.findall(r'class="code">([\w-]+)<', (await desk.looks_at(room)).text)
        assert (await desk.does(room, "code")).headers["location"] == room
    answers = [await device.sends("/code", code=code) for code in codes]
    assert [answer.status_code for answer in answers] == [422, 422], "each was replaced by the next one"
    [code] = re.findall(r'class="code">([\w-]+)<', (await desk.looks_at(room)).text)
    assert (await device.sends("/code", code=code)).status_code == 200


async def test_a_link_that_is_taken_back_turns_away_who_waits_with_it(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    link = await desk.link_of(room)
    sam = await device.knocks(link)
    await desk.does(room, "revoke")
    page = (await desk.looks_at(room)).text
    assert "No link is open now" in page and "Nobody is waiting." in page
    assert "You have done nothing wrong" in (await device.looks_at_with(sam)).text
    closed = await device.looks_at(link)
    assert closed.status_code == 410 and "does not work any more" in closed.text
    assert (await desk.sends(f"{await session_of(desk, room)}/code")).headers["location"] == room
    assert 'class="code"' not in (await desk.looks_at(room)).text, "a code stands for a link"


# --- letting in ---


async def test_letting_sam_in_opens_a_prepared_session_and_takes_alex_in_too(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await inside.alex() as desk, inside.visitor() as device:
        tomorrow = (await desk.looks_at("/desk/prepare")).text
        [day] = re.findall(r'type="date" value="([\d-]+)"', tomorrow)
        room = (await desk.sends("/desk/prepare", day=day, time="10:00")).headers["location"]
        link = await desk.link_of(room)
        assert (await device.looks_at(link)).status_code == 403
        [row] = await inside.copage.opened.store.sessions()
        assert row.planned_at is not None and row.opened_at is None
        inside.passes(monkeypatch, (row.planned_at - inside.copage.clock.wall()) / 1000 - 600)
        await desk.signs_in()
        sam = await device.knocks(link)
        let_in = await desk.admits(sam)
        assert let_in.headers["location"].startswith("/s/") and len(let_in.headers.get_list("set-cookie")) == 2
        assert await named(device, sam) == {"Sam": False, "Alex, nurse": False}
        assert (await desk.looks_at(let_in.headers["location"])).status_code == 200


# --- this is not Sam ---


async def test_this_is_not_sam_from_the_page_of_the_session_pt9(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    sam = await device.comes_in(await desk.link_of(room), desk)
    assert "This is not Sam" in (await desk.looks_at_with(alex)).text
    assert 'data-part="not-them"' not in (await desk.looks_at_with(sam)).text
    mine, his = await you(alex, desk), await you(sam, desk)
    refused = await desk.sends_with(sam, "remove", person=mine)
    assert refused.status_code == 409 and await named(desk, alex) == {"Alex, nurse": False, "Sam": False}
    async with LiveClient(desk.house.url, sam.ticket, sam.cookies) as window:
        await window.hello()
        assert (await desk.sends_with(alex, "remove", person=his)).headers["location"] == f"/s/{alex.ticket}"
        await window.until_closed()
        assert window.messages[-1] == ("goodbye", {"code": "removed", "retry": False})
    assert await is_out(device, sam)
    assert await named(desk, alex) == {"Alex, nurse": False, "Sam": True}
    assert (await desk.sends_with(sam, "turn", page="people")).status_code == 410
    assert await desk.page_of(alex) == "home"
    await desk.does(room, "link")
    again = await device.comes_in(await desk.link_of(room), desk)
    assert await you(again, device) != his and await is_out(device, sam)


async def test_this_is_not_sam_from_the_page_of_the_room_pt9(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    sam = await device.comes_in(await desk.link_of(room), desk)
    assert "This is not Sam" in (await desk.looks_at(room)).text
    session = await desk.does(room, "people/remove", person=await you(sam, desk))
    assert session.headers["location"] == room
    assert await is_out(device, sam) and "Sam" not in (await desk.looks_at(room)).text
    assert await named(desk, alex) == {"Alex, nurse": False, "Sam": True}


async def test_one_of_sams_devices_is_put_out_and_the_other_stays_pt11(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    await desk.goes_in(room)
    phone = await device.comes_in(await desk.link_of(room), desk)
    await desk.does(room, "link")
    async with Visitor(desk.house) as other:
        tablet = await other.comes_in(await desk.link_of(room), desk)
    assert "Take out the device" in (await desk.looks_at(room)).text
    async with (
        LiveClient(desk.house.url, phone.ticket, phone.cookies) as lost,
        LiveClient(desk.house.url, tablet.ticket, tablet.cookies) as kept,
    ):
        await lost.hello()
        await kept.hello()
        assert (await desk.does(room, "devices/remove", device=phone.ticket)).headers["location"] == room
        await lost.until_closed()
        assert lost.messages[-1] == ("goodbye", {"code": "removed", "retry": False})
        number = await kept.command("turn_page", page="people")
        assert await kept.answered(number)
    assert await is_out(device, phone) and await device.page_of(tablet) == "people"


async def test_nobody_puts_out_a_colleague_or_a_device_of_another_session_pt10(desk: Visitor, device: Visitor) -> None:
    room, other = await desk.starts_room(), await desk.starts_room()
    alex = await desk.goes_in(room)
    sam = await device.comes_in(await desk.link_of(room), desk)
    for person in (await you(alex, desk), "made up"):
        assert (await desk.does(room, "people/remove", person=person)).status_code == 409
        assert (await desk.sends_with(alex, "remove", person=person)).status_code == 409
    for where, ticket in ((room, alex.ticket), (room, "made up"), (other, sam.ticket)):
        answer = await desk.sends(f"{await session_of(desk, where)}/devices/remove", device=ticket)
        assert answer.status_code == 409
    elsewhere = await session_of(desk, other)
    assert (await desk.sends(f"{elsewhere}/people/remove", person=await you(sam, desk))).status_code == 409
    assert await desk.page_of(alex) == await device.page_of(sam) == "home"


async def test_under_the_name_of_sam_who_was_put_out_a_new_person_comes_pt8(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    await desk.goes_in(room)
    wrong = await device.comes_in(await desk.link_of(room), desk)
    await desk.does(room, "people/remove", person=await you(wrong, desk))
    await desk.does(room, "link")
    async with Visitor(desk.house) as other:
        sam = await other.comes_in(await desk.link_of(room), desk)
        assert await other.page_of(sam) == "home" and await is_out(device, wrong)


# --- when it is over ---


async def closing(visitor: Visitor, held: Held) -> str:
    """The closing page on a device; it must be one."""
    answer = await visitor.looks_at_with(held)
    assert answer.status_code == 200 and "What you looked at together" in answer.text, answer.text
    assert "<article" not in answer.text and 'id="boot"' not in answer.text
    return answer.text


async def test_for_a_day_a_device_that_was_in_opens_which_pages_were_opened_se8(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await inside.alex() as desk, inside.visitor() as device, inside.visitor() as stranger:
        room = await desk.starts_room()
        await desk.sends(f"{room}/label", label="Sam on Fridays")
        alex = await desk.goes_in(room)
        sam = await device.comes_in(await desk.link_of(room), desk)
        await desk.sends_with(sam, "turn", page="people")
        [title] = re.findall(r'<h1 id="b-title"[^>]*>(.*?)</h1>', (await desk.looks_at_with(sam)).text)
        await desk.sends_with(sam, "turn", page="home")
        await desk.sends_with(alex, "end")
        for held in (alex, sam):
            assert title in await closing(desk, held)
            assert "Sam on Fridays" not in await closing(desk, held), "what staff call the room"
        assert 'href="/desk"' in await closing(desk, alex) and 'href="/desk"' not in await closing(desk, sam)
        assert (await stranger.looks_at(f"/s/{sam.ticket}")).status_code == 403
        half = Held(inside, sam.ticket, dict(list(sam.cookies.items())[:1]))
        assert (await stranger.looks_at_with(half)).status_code == 403

        await desk.sends(f"{room}/start")
        await desk.goes_in(room)
        assert title in await closing(desk, sam), "also when the next session has begun"
        later = await device.comes_in(await desk.link_of(room), desk)
        assert await device.page_of(later) == "home"

        inside.passes(monkeypatch, 23 * HOUR)
        await inside.sweeps()
        assert title in await closing(desk, sam)
        inside.passes(monkeypatch, HOUR)
        await inside.sweeps()
        assert (await device.looks_at_with(sam)).status_code == 403
        assert "You stayed on the first page." in await closing(device, later), "nobody was there for two hours"


async def test_the_closing_page_is_taken_off_a_device_by_its_button_se8(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    sam = await device.comes_in(link, desk)
    await desk.sends_with(alex, "end")
    await closing(device, sam)
    assert (await device.sends_with(sam, "leave")).headers["location"] == "/left"
    assert "You have left" in (await device.looks_at_with(sam)).text
    await closing(desk, alex)


async def test_who_left_or_was_put_out_or_waited_gets_no_closing_page_se8(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    held: list[Held] = []
    for number in range(3):
        held.append(await device.comes_in(await desk.link_of(room), desk, f"Sam {number}"))
        await desk.does(room, "link")
    waited = await device.knocks(await desk.link_of(room), "Noor")
    left, removed, stayed = held
    await device.sends_with(left, "leave")
    await desk.sends_with(alex, "remove", person=await you(removed, desk))
    await desk.does(room, "end")
    assert "You have left" in (await device.looks_at_with(left)).text
    assert await is_out(device, removed)
    assert "What you looked at" not in (await device.looks_at_with(waited)).text
    page = await closing(device, stayed)
    assert "Sam 0" in page and "Sam 2" in page and "Sam 1" not in page and "Noor" not in page


async def test_a_session_that_nobody_is_connected_to_ends_by_itself_se5(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await inside.alex() as desk:
        room = await desk.starts_room()
        alex = await desk.goes_in(room)
        inside.passes(monkeypatch, 1.9 * HOUR)
        assert await inside.sweeps() == 0 and await desk.page_of(alex) == "home"
        inside.passes(monkeypatch, 0.2 * HOUR)
        assert await inside.sweeps() == 1
        await closing(desk, alex)


async def test_what_was_never_opened_goes_a_day_after_its_time_and_its_link_says_so_se6(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with await inside.alex() as desk, inside.visitor() as device:
        [day] = re.findall(r'type="date" value="([\d-]+)"', (await desk.looks_at("/desk/prepare")).text)
        room = (await desk.sends("/desk/prepare", day=day, time="23:59")).headers["location"]
        link = await desk.link_of(room)
        inside.passes(monkeypatch, 26 * HOUR)
        assert await inside.sweeps() == 0
        inside.passes(monkeypatch, 48 * HOUR)
        assert await inside.sweeps() == 1
        over = await device.looks_at(link)
        assert over.status_code == 410 and "was called off" in over.text
        await desk.signs_in()
        assert (await desk.looks_at(room)).status_code == 404


async def test_alex_ends_it_from_the_room_also_when_he_never_went_in(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    link = await desk.link_of(room)
    assert (await desk.does(room, "end")).headers["location"] == room
    assert (await device.looks_at(link)).status_code == 410
    page = (await desk.looks_at(room)).text
    assert "Open now" not in page and "Start a session" in page


async def test_a_colleague_who_knows_the_name_first_keeps_it_pt6(inside: Inside) -> None:
    """Nobody may be let in under the name of somebody of the staff who went in while they were waiting."""
    async with await inside.alex() as desk, inside.visitor() as device:
        room = await desk.starts_room()
        link = await desk.link_of(room)
        kim = await device.knocks(link, "Kim")
        [row] = await inside.copage.opened.store.sessions()
        await inside.copage.hub.ask(row.room, SERVER, Join("colleague", Role.WORKER, "Kim"))
        assert (await desk.admits(kim)).status_code == 409
        assert (await device.sends(link, name="Kim")).status_code == 422, "the next one is told at the door"
        assert "Please wait a moment, Kim" in (await device.looks_at_with(kim)).text
