"""The desk: starting and preparing a session, one's rooms, who is at the door, and what colleagues see of it."""

from __future__ import annotations

import html
import re
import zoneinfo
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from server.clinic import load_clinic
from server.pages.days import to_come
from tests.conftest import MakeHouse
from tests.house import House
from tests.live_client import LiveClient
from tests.server.inside import inside_of
from tests.visitor import Visitor, boot_of

SAYS_TOO_MUCH = re.compile(r"clinic|health|mental|therap|nurse|session|care|treatment|patient", re.IGNORECASE)
FORMS = ("enter", "link", "revoke", "code", "end", "people/remove", "devices/remove")
AT_THE_DOOR = ("admit", "turn-away", "sentence")


@pytest.fixture
async def device(desk: Visitor) -> AsyncIterator[Visitor]:
    """Sam's browser."""
    async with Visitor(desk.house) as visitor:
        yield visitor


@pytest.fixture(scope="session")
async def kim(house: House, desk: Visitor) -> AsyncIterator[Visitor]:
    """A colleague's browser. She is in no team but those that a test puts her in."""
    async with Visitor(house) as visitor:
        await visitor.takes_up(await desk.invites("Kim", "psychologist", "worker"), "kim-at-the-desk")
        yield visitor


async def account_of(admin: Visitor, name: str) -> str:
    found = re.search(rf'/admin/accounts/([\w-]+)"><strong>{name}', (await admin.looks_at("/admin")).text)
    assert found
    return found[1]


async def in_the_team(admin: Visitor, room: str, form: str) -> None:
    """Have Kim in the team of a room, or out of it."""
    about = room.replace("/desk/", "/admin/")
    answer = await admin.sends(f"{about}/{form}", account=await account_of(admin, "Kim, psychologist"))
    assert answer.status_code == 303, answer.text


async def message_of(desk: Visitor, room: str) -> str:
    [message] = re.findall(r"<textarea[^>]*>(.*?)</textarea>", (await desk.looks_at(room)).text, re.DOTALL)
    return html.unescape(message)


def planned(**ahead: int) -> dict[str, str]:
    """The fields of a day and a time of day that are so far ahead."""
    then = datetime.now(UTC) + timedelta(**ahead)
    return {"day": f"{then:%Y-%m-%d}", "time": f"{then:%H:%M}"}


# --- starting ---


async def test_one_button_gives_a_link_a_picture_for_a_camera_and_a_code(desk: Visitor) -> None:
    room = await desk.starts_room()
    page = (await desk.looks_at(room)).text
    assert await desk.link_of(room) and "<svg" in page and " style=" not in page
    assert re.search(r'class="code">[0-9A-Z]{4}-[0-9A-Z]{4}<', page)
    assert "Open now" in page and "Nobody is waiting." in page


async def test_the_message_names_no_clinic_and_no_health(houses: MakeHouse) -> None:
    house = await houses(COPAGE_NAME_SHOWN="Lindenhof")
    async with Visitor(house) as desk:
        await desk.makes_account()
        room = await desk.starts_room()
        later = (await desk.sends("/desk/prepare", **planned(days=2), label="Ms Quendel")).headers["location"]
        for each in (room, later):
            message = await message_of(desk, each)
            said = message.replace(link := await desk.link_of(each), "")
            assert link in message and not SAYS_TOO_MUCH.search(said), said
            assert not any(name in said for name in ("Lindenhof", "Alex", "Quendel"))


async def test_a_session_is_prepared_for_a_time_and_opened_when_it_comes(desk: Visitor, device: Visitor) -> None:
    fields = planned(days=3)
    room = (await desk.sends("/desk/prepare", **fields, label="Sam on Fridays")).headers["location"]
    page = (await desk.looks_at(room)).text
    assert "Sam on Fridays" in page and f"{fields['day']} {fields['time']}" in page and "Open it and go in" in page
    assert f"{fields['day']} {fields['time']}" in await message_of(desk, room)
    link = await desk.link_of(room)
    assert (await device.looks_at(link)).status_code == 403
    alex = await desk.goes_in(room)
    assert await desk.page_of(alex) == "home"
    sam = await device.comes_in(link, desk)
    assert await device.page_of(sam) == "home"


async def test_a_prepared_session_is_called_off_and_its_link_says_so(desk: Visitor, device: Visitor) -> None:
    room = (await desk.sends("/desk/prepare", **planned(minutes=10))).headers["location"]
    link = await desk.link_of(room)
    sam = await device.knocks(link)
    assert (await desk.does(room, "end")).headers["location"] == "/desk"
    assert "Planned for" not in (await desk.looks_at(room)).text
    over = await device.looks_at(link)
    assert over.status_code == 410 and "was called off" in over.text
    waits = await device.looks_at_with(sam)
    assert waits.status_code == 410 and "The session is over" in waits.text


@pytest.mark.parametrize(
    ("day", "time"),
    [
        ("", ""),
        ("2020-01-01", "10:00"),
        ("2999-01-01", "10:00"),
        ("2027-02-30", "10:00"),
        ("0001-01-01", "00:00"),
        ("9999-12-31", "23:59"),
        ("tomorrow", "at ten"),
        ("2027-01-01T10:00", "10:00"),
    ],
)
async def test_a_day_that_cannot_be_is_asked_for_again_and_prepares_nothing(desk: Visitor, day: str, time: str) -> None:
    before = re.findall(r"/desk/rooms/[\w-]+", (await desk.looks_at("/desk")).text)
    again = await desk.sends("/desk/prepare", day=day, time=time, label="Sam")
    assert again.status_code == 422 and "still to come" in again.text and f'value="{day}"' in again.text
    assert re.findall(r"/desk/rooms/[\w-]+", (await desk.looks_at("/desk")).text) == before


async def test_a_name_for_a_new_room_that_cannot_be_read_is_asked_for_again(desk: Visitor) -> None:
    again = await desk.sends("/desk/prepare", **planned(days=1), label="\u200b\u202e")
    assert again.status_code == 422 and "name of up to 40 letters" in again.text


async def test_a_session_is_prepared_in_a_room_that_is_there_and_keeps_its_name(desk: Visitor) -> None:
    room = await desk.starts_room()
    await desk.sends(f"{room}/label", label="Noor")
    room_id = room.rpartition("/")[2]
    assert f'value="{room_id}" selected' in (await desk.looks_at(f"/desk/prepare?room={room_id}")).text
    answer = await desk.sends("/desk/prepare", room=room_id, **planned(days=1), label="Another name")
    assert answer.headers["location"] == room
    page = (await desk.looks_at(room)).text
    assert "<h1>Noor</h1>" in page and "Open now" in page and "Planned for" in page


@pytest.mark.parametrize(
    ("day", "time", "utc"),
    [
        ("2027-01-15", "10:00", "2027-01-15 09:00"),
        ("2027-07-15", "10:00", "2027-07-15 08:00"),
        ("2027-03-28", "01:59", "2027-03-28 00:59"),
        ("2027-03-28", "03:00", "2027-03-28 01:00"),
        ("2027-03-28", "02:30", "2027-03-28 01:30"),
        ("2027-10-31", "02:30", "2027-10-31 00:30"),
        ("2027-10-31", "03:00", "2027-10-31 02:00"),
    ],
)
def test_a_time_of_day_is_that_of_the_clinic_in_summer_and_in_winter(day: str, time: str, utc: str) -> None:
    clinic = msgspec.structs.replace(load_clinic(None), time_zone="Europe/Berlin")
    now = int(datetime(2027, 1, 1, tzinfo=UTC).timestamp() * 1000)
    planned_at = to_come(day, time, clinic.zone, now)
    assert planned_at is not None
    assert f"{datetime.fromtimestamp(planned_at / 1000, UTC):%Y-%m-%d %H:%M}" == utc


def test_now_is_not_over_and_a_year_and_a_day_is_too_far() -> None:
    zone = load_clinic(None).zone
    now = int(datetime(2027, 1, 1, 10, 0, 30, tzinfo=UTC).timestamp() * 1000)
    assert to_come("2027-01-01", "10:00", zone, now) is not None
    assert to_come("2027-01-01", "09:59", zone, now) is None
    assert to_come("2028-01-02", "10:00", zone, now) is not None and to_come("2028-01-02", "10:01", zone, now) is None
    assert zone == zoneinfo.ZoneInfo("UTC")


# --- my rooms ---


async def test_my_rooms_say_what_was_and_what_comes_next_open_ones_first(houses: MakeHouse) -> None:
    house = await houses()
    async with Visitor(house) as desk:
        await desk.makes_account()
        assert "There is none yet" in (await desk.looks_at("/desk")).text
        fields = planned(days=1)
        await desk.sends("/desk/prepare", **fields, label="Noor")
        room = await desk.starts_room()
        await desk.sends(f"{room}/label", label="Sam")

        async def shown() -> dict[str, list[str]]:
            page = (await desk.looks_at("/desk")).text
            found = re.findall(r'href="/desk/rooms/[^>]*><strong>(.*?)</strong>(.*?)</a>', page, re.DOTALL)
            return {label: re.sub(r"<.*?>", "", said).strip().splitlines() for label, said in found}

        next_one = f"Next: {fields['day']} {fields['time']}"
        [sam, noor] = (await shown()).items()
        assert sam[0] == "Sam" and sam[1][0] == "Open now" and noor == ("Noor", [next_one])
        await desk.does(room, "end")
        await desk.sends("/desk/prepare", **fields, room=room.rpartition("/")[2])
        [of_sam, last] = (await shown())["Sam"]
        assert of_sam == next_one and last.startswith(f"Last session: {datetime.now(UTC):%Y-}")
        assert (await shown())["Noor"] == [next_one]


async def test_a_time_that_has_passed_is_not_what_comes_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with inside_of(tmp_path) as house:
        async with await house.alex() as desk:
            await desk.sends("/desk/prepare", **planned(hours=1), label="Noor")
            assert "Next: " in (await desk.looks_at("/desk")).text
        house.passes(monkeypatch, 2 * 3600)
        async with await house.alex() as desk:
            page = (await desk.looks_at("/desk")).text
            assert "<strong>Noor</strong>" in page and "Next: " not in page


# --- at the door ---


async def test_the_script_of_the_desk_is_told_that_somebody_came_and_not_who(desk: Visitor, device: Visitor) -> None:
    link = await desk.link_of(await desk.starts_room())
    before = (await desk.looks_at("/desk/arrivals")).json()
    sam = await device.knocks(link, "Sam Zaunkönig")
    away = (await desk.looks_at("/desk/arrivals")).json()
    assert away["count"] == before["count"] + 1 and away["mark"] != before["mark"]
    assert "The waiting page is not open at the moment." in (await desk.looks_at("/desk")).text
    await device.looks_at_with(sam)
    here = (await desk.looks_at("/desk/arrivals")).json()
    assert here["count"] == away["count"] and here["mark"] != away["mark"]
    assert sam.ticket not in str(here) and "Sam" not in str(here)


async def test_inside_a_session_arrivals_are_a_number_and_only_for_alex(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    sam = await device.comes_in(link, desk)
    other = await desk.link_of(await desk.starts_room())

    async def counted() -> int:
        answer = await desk.looks_at(f"{alex.address}/arrivals", Cookie=alex.cookie_header)
        assert set(answer.json()) == {"count"}
        return int(answer.json()["count"])

    before = await counted()
    await device.knocks(other, "Noor")
    assert await counted() == before + 1
    assert (await desk.looks_at(f"{sam.address}/arrivals", Cookie=sam.cookie_header)).status_code == 404
    for held in (alex, sam):
        page = (await desk.looks_at_with(held)).text
        assert "Noor" not in page
    assert 'href="/desk"' in (await desk.looks_at_with(alex)).text


# --- colleagues ---


async def test_a_colleague_who_is_not_in_the_team_is_answered_as_if_there_were_no_room(
    desk: Visitor, device: Visitor, kim: Visitor
) -> None:
    room = await desk.starts_room()
    await desk.sends(f"{room}/label", label="Sam Zaunkönig")
    sam = await device.knocks(await desk.link_of(room))
    door = await desk.arrival_of(sam)
    session = re.findall(r'action="([^"]+)/enter"', (await desk.looks_at(room)).text)[0]
    forms = [f"{room}/label", f"{room}/start", *(f"{session}/{form}" for form in FORMS)]
    forms += [f"{door}/{form}" for form in AT_THE_DOOR]
    before = (await desk.looks_at(room)).text

    async def answers(there: bool) -> list[tuple[int, str]]:
        said = []
        for form in ("", *forms):
            address = form or room
            address = address if there else address.replace(room, "/desk/rooms/none")
            answer = await (kim.sends(address, label="Mine", sentence="Hello") if form else kim.looks_at(address))
            said.append((answer.status_code, re.sub(r'nonce="[^"]*"', "", answer.text)))
        return said

    there = await answers(there=True)
    assert there == await answers(there=False) and {status for status, _ in there} == {404}
    assert re.sub('nonce="[^"]*"', "", (await desk.looks_at(room)).text) == re.sub('nonce="[^"]*"', "", before)
    answer = await kim.sends("/desk/prepare", room=room.rpartition("/")[2], **planned(days=1))
    assert answer.status_code == 422 and "not on your desk any more" in answer.text
    for page in ("/desk", "/desk/prepare"):
        assert room.rpartition("/")[2] not in (await kim.looks_at(page)).text


async def test_two_workers_of_one_team_see_one_room_and_meet_in_its_session(
    desk: Visitor, device: Visitor, kim: Visitor
) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    await in_the_team(desk, room, "add")
    assert "Alex, nurse · Kim, psychologist" in (await kim.looks_at(room)).text
    sam = await device.knocks(await desk.link_of(room))
    assert await kim.arrival_of(sam) == await desk.arrival_of(sam)
    let_in = await kim.admits(sam)
    assert let_in.headers["location"].startswith("/s/"), "and in she goes with him"
    people = boot_of(await device.looks_at_with(sam))["view"]["people"]
    assert [person["name"] for person in people] == ["Alex, nurse", "Sam", "Kim, psychologist"]
    assert await desk.page_of(alex) == "home"

    await in_the_team(desk, room, "remove")
    assert (await kim.looks_at(room)).status_code == 404
    assert room not in (await kim.looks_at("/desk")).text


async def test_a_worker_in_the_session_stays_on_the_page_of_the_room(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    async with LiveClient(desk.house.url, alex.ticket, alex.cookies) as window:
        await window.hello()
        sam = await device.knocks(await desk.link_of(room))
        let_in = await desk.admits(sam)
        assert let_in.headers["location"] == room and "set-cookie" not in let_in.headers


async def test_who_only_supervises_has_no_rooms_and_starts_nothing(house: House, desk: Visitor) -> None:
    room = await desk.starts_room()
    async with Visitor(house) as robin:
        await robin.takes_up(await desk.invites("Robin", "", "supervisor"), "robin-at-the-desk")
        page = await robin.looks_at("/desk")
        assert page.status_code == 200 and "My rooms" not in page.text
        for address in (room, "/desk/prepare", "/desk/arrivals"):
            assert (await robin.looks_at(address)).status_code == 404
        for form in ("/desk/sessions", "/desk/practice", "/desk/prepare", f"{room}/start"):
            assert (await robin.sends(form)).status_code == 404
