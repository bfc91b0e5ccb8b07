"""The live endpoint of the running product, spoken to by hand."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx2
import pytest

from tests.conftest import MakeHouse
from tests.house import House
from tests.live_client import Closed, LiveClient, Way
from tests.visitor import Held, Visitor
from tests.waiting import until

WAYS: tuple[Way, ...] = ("websocket", "polling")
both_ways = pytest.mark.parametrize("way", WAYS)


def live(held: Held, way: Way = "websocket", **more: Any) -> LiveClient:
    return LiveClient(held.house.url, held.ticket, held.cookies, way=way, **more)


async def pages_of(client: LiveClient) -> tuple[str, str]:
    """The page that is open, and another one."""
    welcome = await client.wait_for("welcome")
    view = welcome["whole"]
    other = next(page for page in view["pages"] if page != view["page"])
    return view["page"], other


# --- the ordinary day ---


@both_ways
async def test_alex_turns_a_page_and_sam_is_there(desk: Visitor, way: Way) -> None:
    worker, person = await desk.starts_practice()
    async with live(worker, way) as alex, live(person, way) as sam:
        await alex.hello()
        await sam.hello()
        _, other = await pages_of(alex)
        number = await alex.command("turn_page", page=other)
        assert (await alex.answered(number))["event"]["page"] == other
        await sam.wait_for("events", lambda sent: sent["events"][0]["event"].get("page") == other)


async def test_forty_commands_in_one_tick_over_polling_are_all_answered(desk: Visitor) -> None:
    worker, _ = await desk.starts_practice()
    async with live(worker, "polling") as alex:
        await alex.hello()
        turns = zip(range(40), (await pages_of(alex)) * 20, strict=True)
        await alex.send_raw(*(alex.command_packet("turn_page", number + 1, page=page) for number, page in turns))
        answers = [await alex.answered(number) for number in range(1, 41)]
        kept = [each["seq"] for each in answers if "seq" in each]
        assert kept == sorted(kept)
        assert {each.get("outcome", "kept") for each in answers} <= {"kept", "already", "again"}


async def test_sam_goes_over_from_polling_to_a_socket_and_misses_nothing(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    async with live(worker) as alex, live(person, "polling") as sam:
        await alex.hello()
        await sam.hello()
        home, other = await pages_of(alex)
        await alex.answered(await alex.command("turn_page", page=other))
        await sam.upgrade()
        await alex.answered(await alex.command("turn_page", page=home))
        last = await alex.answered(await alex.command("turn_page", page=other))
        await sam.wait_for("events", lambda sent: sent["events"][-1]["seq"] == last["seq"])
        seen = [frame["seq"] for frame in sam.frames() if frame["event"].get("page")]
        assert seen == [last["seq"] - 2, last["seq"] - 1, last["seq"]]


async def test_a_socket_that_opens_and_says_nothing_does_not_empty_the_polls(desk: Visitor) -> None:
    worker, _ = await desk.starts_practice()
    async with live(worker, "polling") as alex:
        await alex.hello()
        socket = await alex.open_socket(alex.sid)
        await socket.close()
        _, other = await pages_of(alex)
        assert (await alex.answered(await alex.command("turn_page", page=other)))["event"]["page"] == other


async def test_nothing_is_said_before_the_hello(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    async with live(worker) as alex, live(person) as sam:
        await alex.hello()
        _, other = await pages_of(alex)
        await alex.answered(await alex.command("turn_page", page=other))
        assert sam.messages == []
        await sam.hello()
        assert sam.messages[0][0] == "welcome"


@both_ways
async def test_another_version_is_refused_with_a_code(desk: Visitor, way: Way) -> None:
    worker, _ = await desk.starts_practice()
    async with live(worker, way) as alex:
        with pytest.raises(Closed):
            await alex.hello(version=999)
        assert alex.refused == {"code": "other_version", "retry": False}


async def test_a_command_that_is_none_is_answered_and_three_end_the_connection(desk: Visitor) -> None:
    worker, _ = await desk.starts_practice()
    async with live(worker) as alex:
        await alex.hello()
        for number in (1, 2, 3):
            await alex.command("open_the_door", number)
        assert (await alex.wait_for("answer"))["code"] == "malformed"
        await alex.until_closed()
        assert await alex.wait_for("goodbye") == {"code": "malformed", "retry": False}


# --- whose connection it is ---


@both_ways
async def test_both_cookies_are_needed(desk: Visitor, way: Way) -> None:
    worker, _ = await desk.starts_practice()
    for name in worker.cookies:
        only = {name: worker.cookies[name]}
        client = LiveClient(worker.house.url, worker.ticket, only, way=way)
        with pytest.raises(Closed) as closed:
            await client.open()
        assert closed.value.status == 403
        await client.close()


async def test_a_sid_taken_to_another_ticket_is_refused_for_get_post_and_upgrade(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    async with live(worker, "polling") as alex:
        await alex.hello()
        thief = live(person, "polling")
        async with thief.new_http() as http:
            address = thief.address("polling", alex.sid)
            assert (await http.get(address)).status_code == 403
            assert (await http.post(address, content="42[]")).status_code == 403
        with pytest.raises(Closed) as closed:
            await thief.open_socket(alex.sid)
        assert closed.value.status == 403
        _, other = await pages_of(alex)
        assert (await alex.answered(await alex.command("turn_page", page=other)))["number"] == 1


@pytest.mark.parametrize(
    "query",
    [
        "EIO=4&transport=polling&j=0",
        "EIO=3&transport=polling",
        "transport=polling",
        "EIO=4&transport=webtransport",
        "EIO=4&transport=websocket",
        "EIO=4&transport=polling&sid=nobody",
        "EIO=4&transport=polling&sid=",
        "EIO=4&EIO=4&transport=polling",
        "EIO=4",
        "",
    ],
)
async def test_what_is_no_poll_is_refused(desk: Visitor, query: str) -> None:
    worker, _ = await desk.starts_practice()
    async with live(worker, "polling").new_http() as http:
        answer = await http.get(f"{worker.address}/live/?{query}")
        assert answer.status_code == 400
        assert "___eio" not in answer.text


async def test_two_polls_at_once_are_refused_and_counted(desk: Visitor) -> None:
    worker, _ = await desk.starts_practice()
    client = live(worker, "polling")
    async with client.new_http() as http:
        sid = (await http.get(client.address("polling"))).text.split('"sid":"')[1].split('"')[0]
        address = client.address("polling", sid)
        answers = await asyncio.gather(*(http.get(address) for _ in range(3)))
        assert sorted(each.status_code for each in answers)[-2:] == [400, 400]


async def test_one_ticket_has_a_bounded_number_of_connections(desk: Visitor) -> None:
    worker, _ = await desk.starts_practice()
    client = live(worker, "polling")
    async with client.new_http() as http:
        answers: list[httpx2.Response] = [await http.get(client.address("polling")) for _ in range(33)]
    assert [each.status_code for each in answers] == [200] * 32 + [503]


# --- slow and silent readers ---


async def test_who_answers_no_ping_is_gone_for_the_others(desk: Visitor) -> None:
    worker, person = await desk.starts_practice()
    async with live(worker) as alex, live(person) as sam:
        await alex.hello()
        you = (await sam.hello())["whole"]["you"]
        await alex.wait_for("presence", lambda said: you in [each["id"] for each in said["here"]])
        alex.messages.clear()
        sam.answers_pings = False
        await alex.wait_for("presence", lambda said: you not in [each["id"] for each in said["here"]])
        await sam.until_closed()


# --- the end of the server ---


async def test_at_the_end_everybody_is_told_to_come_back(houses: MakeHouse) -> None:
    house: House = await houses()
    async with Visitor(house) as visitor:
        await visitor.makes_account()
        worker, person = await visitor.starts_practice()
    async with live(worker) as alex, live(person, "polling") as sam:
        await alex.hello()
        await sam.hello()
        process = house.process
        await house.stop()
        for each in (alex, sam):
            assert await each.wait_for("goodbye") == {"code": "shutting_down", "retry": True}
        assert process is not None
        assert process.returncode == 0
        await until(lambda: "Traceback" not in house.output, "no traceback")
