"""The pages as people meet them: over HTTP, without script, against the running product."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.conftest import MakeHouse
from tests.house import House
from tests.live_client import LiveClient
from tests.visitor import PASSWORD, Visitor, alex_and_sam, boot_of


@pytest.fixture(scope="module")
async def open_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house of these tests' own, with the account `alex`."""
    house = House(tmp_path_factory.mktemp("pages"))
    await house.start()
    async with Visitor(house) as operator:
        await operator.makes_account()
    yield house
    await house.stop()


@pytest.fixture
async def desk(open_house: House) -> AsyncIterator[Visitor]:
    """Alex's browser, signed in."""
    async with Visitor(open_house) as alex:
        await alex.signs_in()
        yield alex


@pytest.fixture
async def device(open_house: House) -> AsyncIterator[Visitor]:
    """Another browser."""
    async with Visitor(open_house) as visitor:
        yield visitor


# --- the first link ---


async def test_the_operator_practises_and_then_makes_an_account_by_one_link(houses: MakeHouse) -> None:
    house = await houses()
    async with Visitor(house) as operator, Visitor(house) as scanner:
        assert (await scanner.looks_at(house.link)).status_code == 200
        first = await operator.sends(f"{house.link}/practice")
        windows = await operator.looks_at(first.headers["location"])
        assert windows.status_code == 200 and windows.text.count('target="_blank"') == 2
        assert (await operator.looks_at(first.headers["location"])).text.count('target="_blank"') == 2, "loaded again"
        elsewhere = await scanner.looks_at(first.headers["location"])
        assert elsewhere.status_code == 404 and "/s/" not in elsewhere.text, "they are open in one browser only"

        assert (await scanner.looks_at(house.link)).status_code == 404, "the link belongs to the other browser now"
        assert (await scanner.sends(f"{house.link}/practice")).status_code == 404
        assert (await scanner.sends(f"{house.link}/account", login="eve", password=PASSWORD)).status_code == 404

        again = await operator.sends(f"{house.link}/account", login="alex", password="short", shown="Al", job="")
        assert again.status_code == 422 and 'value="Al"' in again.text and "short" not in again.text
        await operator.makes_account()
        assert "Alex, nurse" in (await operator.looks_at("/desk")).text
        assert (await operator.looks_at(house.link)).status_code == 404, "used up"


async def test_practice_is_two_people_in_one_browser_and_says_so(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    assert worker.ticket != person.ticket
    for held in (worker, person):
        answer = await desk.looks_at_with(held)
        assert 'class="practice"' in answer.text and boot_of(answer)["view"]["practice"] is True
    await desk.sends_with(worker, "turn", page="small-things")
    assert await desk.page_of(person) == "small-things"


# --- signing in ---


async def test_the_desk_is_for_those_who_are_signed_in(open_house: House) -> None:
    async with Visitor(open_house) as visitor:
        assert (await visitor.looks_at("/desk")).headers["location"] == "/sign-in"
        for form in ("/desk/sessions", "/desk/practice", "/desk/prepare", "/desk/rooms/x/start"):
            assert (await visitor.sends(form)).headers["location"] == "/sign-in"
        wrong = await visitor.sends("/sign-in", login="alex", password="not this one")
        assert wrong.status_code == 422 and "set-cookie" not in wrong.headers
        await visitor.signs_in()
        assert (await visitor.looks_at("/sign-in")).headers["location"] == "/desk"
        await visitor.sends("/sign-out")
        assert (await visitor.looks_at("/desk")).headers["location"] == "/sign-in"


async def test_a_sign_in_cookie_is_out_of_reach_of_scripts_and_other_sites(open_house: House) -> None:
    async with Visitor(open_house) as visitor:
        cookie = (await visitor.sends("/sign-in", login="alex", password=PASSWORD)).headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie


# --- the desk and the door ---


async def test_sam_reads_the_door_is_let_in_and_both_are_on_one_page_dr1(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    door = await device.looks_at(link)
    assert door.status_code == 200 and "set-cookie" not in door.headers
    assert "cannot hear you" in door.text and "Leave now" in door.text
    sam = await device.comes_in(link, desk)
    assert await desk.page_of(alex) == await desk.page_of(sam) == "home"
    assert (await desk.sends_with(sam, "turn", page="people")).status_code == 303
    assert await desk.page_of(alex) == "people"
    assert (await desk.sends_with(alex, "turn", page="home")).status_code == 303
    assert await desk.page_of(sam) == "home"


async def test_a_link_lets_one_device_in_and_tells_the_next_one_plainly(desk: Visitor, device: Visitor) -> None:
    _, link = await desk.starts_session()
    sam = await device.comes_in(link, desk)
    async with Visitor(desk.house) as late:
        for answer in (await late.looks_at(link), await late.sends(link, name="Robin")):
            assert answer.status_code == 410 and "set-cookie" not in answer.headers
            assert f"/s/{sam.ticket}" in answer.text, "the way back in, for who holds the ticket"
        assert (await late.looks_at(f"/s/{sam.ticket}")).status_code == 403
        assert (await late.looks_at("/join/made-up")).status_code == 404


async def test_many_at_one_door_at_once_and_one_is_let_in_dr2(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    waiting = await asyncio.gather(*(device.knocks(link, f"Sam {number}") for number in range(6)))
    doors = [await desk.arrival_of(each) for each in waiting]
    answers = await asyncio.gather(*(desk.sends(f"{door}/admit") for door in doors))
    assert sorted(answer.status_code for answer in answers) == [303, 409, 409, 409, 409, 409]
    people = boot_of(await desk.looks_at_with(alex))["view"]["people"]
    assert sum(not person["left"] for person in people) == 2, "nobody stays in the room who was not let in"
    seen = [(await desk.looks_at_with(each)).status_code for each in waiting]
    assert sorted(seen) == [200, 410, 410, 410, 410, 410]


@pytest.mark.parametrize("name", ["", "   ", "\u202e\u200b", "x" * 41])
async def test_a_name_that_cannot_be_read_is_asked_for_again_and_uses_nothing_up(
    desk: Visitor, device: Visitor, name: str
) -> None:
    _, link = await desk.starts_session()
    again = await device.sends(link, name=name)
    assert again.status_code == 422 and "set-cookie" not in again.headers
    assert 'role="alert"' in again.text
    await device.comes_in(link, desk)


async def test_sam_cannot_take_the_name_that_alex_has(desk: Visitor, device: Visitor) -> None:
    _, link = await desk.starts_session()
    for name in ("ALEX, nurse", "alex"):
        again = await device.sends(link, name=name)
        assert again.status_code == 422 and "choose another name" in again.text
        assert "set-cookie" not in again.headers
    await device.comes_in(link, desk)


async def test_a_name_with_markup_is_shown_as_letters(desk: Visitor, device: Visitor) -> None:
    name = "<b>Sam</b> & </script>"
    alex, link = await desk.starts_session()
    sam = await device.knocks(link, name)
    for page in (await desk.looks_at("/desk"), await desk.looks_at_with(sam)):
        assert "<b>" not in page.text and html.escape(name) in page.text
    await desk.admits(sam)
    for held in (alex, sam):
        answer = await desk.looks_at_with(held)
        assert "<b>" not in answer.text and html.escape(name) in answer.text
        assert name in [person["name"] for person in boot_of(answer)["view"]["people"]]


async def test_a_room_gives_a_new_link_lets_alex_in_and_is_ended(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    first = await desk.link_of(room)
    assert (await desk.does(room, "link")).headers["location"] == room
    assert await desk.link_of(room) != first
    assert (await device.looks_at(first)).status_code == 410
    entered = await desk.does(room, "enter")
    assert entered.headers["location"].startswith("/s/")
    assert (await desk.looks_at(entered.headers["location"])).status_code == 200
    enter = re.findall(r'action="([^"]+/enter)"', (await desk.looks_at(room)).text)[0]
    assert (await desk.does(room, "end")).status_code == 303
    assert "/enter" not in (await desk.looks_at(room)).text
    assert (await desk.sends(enter)).status_code == 404


async def test_alex_comes_back_from_the_desk_as_the_same_person(desk: Visitor) -> None:
    room = await desk.starts_room()
    alex, again = await desk.goes_in(room), await desk.goes_in(room)
    first, second = await desk.looks_at_with(alex), await desk.looks_at_with(again)
    assert alex.ticket != again.ticket and boot_of(first)["view"]["you"] == boot_of(second)["view"]["you"]
    await desk.sends_with(alex, "leave")
    anew = await desk.looks_at_with(await desk.goes_in(room))
    assert anew.status_code == 200 and boot_of(anew)["view"]["you"] != boot_of(first)["view"]["you"]


async def test_sam_who_lost_his_browser_comes_back_by_a_new_link_as_sam_pt8(desk: Visitor, device: Visitor) -> None:
    room = await desk.starts_room()
    alex = await desk.goes_in(room)
    sam = await device.comes_in(await desk.link_of(room), desk)
    await desk.does(room, "link")
    async with LiveClient(desk.house.url, sam.ticket, sam.cookies) as window, Visitor(desk.house) as new_phone:
        await window.hello()
        again = await new_phone.comes_in(await desk.link_of(room), desk, "sam")
        people = boot_of(await desk.looks_at_with(alex))["view"]["people"]
        assert [(person["name"], person["left"]) for person in people] == [("Alex, nurse", False), ("Sam", False)]
        both = [boot_of(await desk.looks_at_with(each))["view"]["you"] for each in (sam, again)]
        assert both[0] == both[1], "one more device, and nobody is put out"


# --- the session page ---


async def test_the_page_boots_the_script_with_what_this_person_may_see(desk: Visitor) -> None:
    alex, sam = await alex_and_sam(desk)
    boot = boot_of(await desk.looks_at_with(sam))
    assert boot["ticket"] == sam.ticket and boot["live"] == f"/s/{sam.ticket}/live/"
    assert boot["view"]["page"] == boot["view"]["home"] == "home"
    assert [person["role"] for person in boot["view"]["people"]] == ["worker", "service_user"]
    assert {"left", "here", "words"} <= set(boot)
    page = (await desk.looks_at_with(sam)).text
    assert "<title>Our page</title>" in page
    assert 'data-copage="end"' not in page
    assert 'data-copage="end"' in (await desk.looks_at_with(alex)).text


async def test_a_fragment_is_one_article_with_its_blocks(desk: Visitor) -> None:
    _, sam = await alex_and_sam(desk)
    async with httpx2.AsyncClient(headers={"Cookie": sam.cookie_header}) as http:
        answer = await http.get(f"{sam.address}/page/hard-day")
        assert answer.text.strip().startswith('<article data-page="hard-day"')
        assert answer.text.strip().endswith("</article>")
        assert 'data-block="title"' in answer.text and 'data-block="first"' in answer.text
        assert (await http.get(f"{sam.address}/page/nowhere")).status_code == 404
    assert await desk.page_of(sam) == "home", "looking turns nothing"


async def test_a_page_that_is_not_in_the_session_is_refused_in_words(desk: Visitor) -> None:
    _, sam = await alex_and_sam(desk)
    answer = await desk.sends_with(sam, "turn", page="nowhere")
    assert answer.status_code == 409 and "Please choose another one" in answer.text
    assert (await desk.sends_with(sam, "turn")).status_code == 409
    assert await desk.page_of(sam) == "home"


@pytest.mark.parametrize("form", ["turn", "end", "remove"])
async def test_a_form_with_half_a_ticket_does_nothing(desk: Visitor, form: str) -> None:
    alex, sam = await alex_and_sam(desk)
    you = boot_of(await desk.looks_at_with(sam))["view"]["you"]
    for name in alex.cookies:
        half = {other: value for other, value in alex.cookies.items() if other != name}
        assert (await desk.sends_with(alex, form, half, page="people", person=you)).status_code == 403
    assert (await desk.sends_with(alex, form, sam.cookies, page="people", person=you)).status_code == 403
    assert await desk.page_of(sam) == "home"


async def test_sam_leaves_with_the_one_cookie_that_is_left_and_is_gone(desk: Visitor) -> None:
    alex, sam = await alex_and_sam(desk)
    only_secret = {name: value for name, value in sam.cookies.items() if "here" not in name}
    answer = await desk.sends_with(sam, "leave", only_secret)
    assert answer.headers["location"] == "/left"
    assert all("max-age=0" in line.lower() for line in answer.headers.get_list("set-cookie"))
    assert (await desk.looks_at_with(sam)).status_code == 410
    people = boot_of(await desk.looks_at_with(alex))["view"]["people"]
    assert [person["left"] for person in people] == [False, True]


async def test_a_strangers_leave_form_makes_nobody_leave(desk: Visitor) -> None:
    _, sam = await alex_and_sam(desk)
    await desk.sends_with(sam, "leave", {})
    assert await desk.page_of(sam) == "home"


async def test_alex_ends_for_everyone_and_sam_cannot(desk: Visitor) -> None:
    alex, sam = await alex_and_sam(desk)
    refused = await desk.sends_with(sam, "end")
    assert refused.status_code == 409 and "for the worker in this session" in refused.text
    assert await desk.page_of(sam) == "home"
    assert (await desk.sends_with(alex, "end")).headers["location"] == f"/s/{alex.ticket}"
    for held in (alex, sam):
        answer = await desk.looks_at_with(held)
        assert "The session is over" in answer.text and "<article" not in answer.text
    after = await desk.sends_with(sam, "turn", page="people")
    assert after.status_code == 200 and "The session is over" in after.text and "<article" not in after.text
    async with httpx2.AsyncClient(headers={"Cookie": sam.cookie_header}) as http:
        assert "<article" not in (await http.get(f"{sam.address}/page/people")).text


async def test_an_invitation_ends_with_its_session(desk: Visitor, device: Visitor) -> None:
    alex, link = await desk.starts_session()
    await desk.sends_with(alex, "end")
    for answer in (await device.looks_at(link), await device.sends(link, name="Sam")):
        assert answer.status_code == 410 and "set-cookie" not in answer.headers


# --- GETs, refusals, the rest of the site ---


async def test_looking_changes_nothing_and_forms_cannot_be_looked_at(desk: Visitor) -> None:
    _, sam = await alex_and_sam(desk)
    for form in ("turn", "leave", "end", "remove"):
        async with httpx2.AsyncClient(headers={"Cookie": sam.cookie_header}) as http:
            assert (await http.get(f"{sam.address}/{form}?page=people")).status_code == 405
    for form in ("/desk/sessions", "/desk/practice", "/desk/rooms/x/label"):
        assert (await desk.looks_at(form)).status_code == 404
    assert (await desk.looks_at("/sign-out")).status_code == 405
    assert await desk.page_of(sam) == "home"
    assert (await desk.looks_at("/desk")).status_code == 200


async def test_every_page_offers_help_and_loads_nothing_from_elsewhere(desk: Visitor) -> None:
    alex, _ = await alex_and_sam(desk)
    plain = ("/", "/desk", "/desk/prepare", "/code", "/check", "/left", "/nowhere", await desk.starts_room())
    pages = [await desk.looks_at(address) for address in plain]
    pages.append(await desk.looks_at_with(alex))
    for page in pages:
        assert page.text.count('class="help"') == 1
        addresses = re.findall(r'(?:src|href|action)="([^"]*)"', page.text)
        assert addresses
        assert [each for each in addresses if not each.startswith(("/", "data:,", "tel:", "#"))] == []
        assert " style=" not in page.text and "onclick" not in page.text


async def test_no_address_or_title_names_a_person_or_a_topic(desk: Visitor) -> None:
    alex, sam = await alex_and_sam(desk)
    turned = await desk.sends_with(alex, "turn", page="hard-day")
    assert turned.headers["location"] == f"/s/{alex.ticket}"
    assert re.findall("<title>(.*?)</title>", (await desk.looks_at_with(sam)).text) == ["Our page"]


async def test_built_files_are_served_compressed_and_kept_for_good(open_house: House) -> None:
    async with httpx2.AsyncClient(base_url=open_house.url) as http:
        found = re.search(r'href="(/assets/main-[^"]+\.css)"', (await http.get("/")).text)
        assert found
        plain = await http.get(found[1], headers={"Accept-Encoding": "identity"})
        assert "immutable" in plain.headers["cache-control"] and "content-encoding" not in plain.headers
        assert "text/css" in plain.headers["content-type"]
        for accepted, sent in (("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip;q=0.5", "gzip")):
            async with http.stream("GET", found[1], headers={"Accept-Encoding": accepted}) as answer:
                assert answer.headers["content-encoding"] == sent
                size = sum([len(piece) async for piece in answer.aiter_raw()])
            assert size < len(plain.content)
        assert (await http.get("/assets/manifest.json")).status_code == 404
        assert (await http.get("/assets/..%2fbase.html")).status_code == 404


async def test_health_and_check_answer_without_signing_in(open_house: House) -> None:
    async with httpx2.AsyncClient(base_url=open_house.url) as http:
        assert (await http.get("/health/live")).json() == {"status": "live"}
        assert (await http.get("/health/ready")).json() == {"status": "ready"}
        assert (await http.get("/check")).status_code == 200
        assert (await http.get("/check/answer")).status_code == 200
