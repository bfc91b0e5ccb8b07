"""The pages when something comes in between: another person is quicker, or the store does not answer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import structlog.testing

from rooms import SERVER, Actor, Command, Join, Leave, Refusal
from rooms.events import Role
from server.hub import Hub
from server.identity import Invitations, Ticket, Tickets
from server.pages import Assets, AssetsProblem
from server.ports import Statement, StoreUnavailable
from server.store.sqlite import SqliteDatabase
from tests.server.inside import Inside, inside_of
from tests.visitor import PASSWORD, Held, Visitor


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside_of(tmp_path) as inside:
        yield inside


@pytest.fixture
async def alex(inside: Inside) -> AsyncIterator[Visitor]:
    """Alex's desk."""
    async with await inside.alex() as alex:
        yield alex


@pytest.fixture
async def room(alex: Visitor) -> str:
    """A room of Alex's with an open session."""
    return await alex.starts_room()


@pytest.fixture
async def link(alex: Visitor, room: str) -> str:
    """The link for the other person."""
    return await alex.link_of(room)


async def is_let_in(sam: httpx2.AsyncClient, link: str, alex: Visitor) -> str:
    """Sam knocks, and Alex lets him in: the address of the session's page."""
    here = str((await sam.post(link, data={"name": "Sam"})).headers["location"])
    assert (await alex.admits(Held(alex.house, here.removeprefix("/s/"), {}))).status_code == 303
    return here


async def test_who_guesses_waits_and_alex_at_another_address_does_not(inside: Inside, alex: Visitor) -> None:
    async with inside.browser("203.0.113.9") as stranger, inside.browser("192.0.2.7") as office:
        said = [
            (await stranger.post("/sign-in", data={"login": "alex", "password": "?"})).status_code for _ in range(6)
        ]
        assert said == [422] * 5 + [429]
        answer = await office.post("/sign-in", data={"login": "alex", "password": PASSWORD})
        assert answer.headers["location"] == "/desk"


async def unavailable(*anything: object) -> object:
    raise StoreUnavailable("busy")


async def test_who_lost_their_name_at_the_last_moment_waits_on_and_uses_nothing_up(
    inside: Inside, alex: Visitor, room: str, link: str
) -> None:
    """When Sam knocked, nobody was called Robin. Then a colleague of that name went in."""
    async with inside.visitor() as device:
        robin = await device.knocks(link, "Robin")
        colleague = (await alex.goes_in(room)).ticket
        [row] = await inside.copage.opened.database.read("SELECT room FROM tickets WHERE id = $1", colleague)
        await inside.copage.hub.ask(str(row["room"]), SERVER, Join("colleague", Role.WORKER, "Robin"))
        refused = await alex.admits(robin)
        assert refused.status_code == 409 and "in the session has this name" in refused.text
        assert "Please wait a moment, Robin" in (await device.looks_at_with(robin)).text
        await device.comes_in(link, alex)


async def test_a_store_that_does_not_answer_is_said_in_words_and_uses_nothing_up(
    inside: Inside, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside.browser() as sam:
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "look", unavailable)
            answer = await sam.post(link, data={"name": "Sam"})
            assert answer.status_code == 503 and "try again" in answer.text
            assert answer.headers["retry-after"] == "2" and "set-cookie" not in answer.headers
        assert (await sam.post(link, data={"name": "Sam"})).status_code == 303


@pytest.mark.parametrize("part", [(Hub, "ask"), (Tickets, "admit"), (Invitations, "known")])
async def test_who_is_let_in_while_the_store_stops_answering_waits_on_and_keeps_the_link(
    inside: Inside, alex: Visitor, link: str, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    async with inside.visitor() as device:
        sam = await device.knocks(link)
        with monkeypatch.context() as trouble:
            trouble.setattr(*part, unavailable)
            assert (await alex.admits(sam)).status_code == 503
            assert "Please wait a moment, Sam" in (await device.looks_at_with(sam)).text
        assert (await alex.admits(sam)).status_code == 303
        assert await device.page_of(sam) == "home"


async def test_a_button_pressed_twice_at_once_lets_sam_in_and_not_out_again(
    inside: Inside, alex: Visitor, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    both_have_looked, ask = asyncio.Barrier(2), Hub.ask

    async def asked_together(hub: Hub, room: str, actor: Actor, command: Command) -> object:
        if isinstance(command, Join) and command.role is Role.SERVICE_USER:
            await both_have_looked.wait()
        return await ask(hub, room, actor, command)

    async with inside.visitor() as device:
        sam = await device.knocks(link)
        door = await alex.arrival_of(sam)
        monkeypatch.setattr(Hub, "ask", asked_together)
        answers = await asyncio.gather(*(alex.sends(f"{door}/admit") for _ in range(2)))
        assert sorted(answer.status_code for answer in answers) == [303, 303]
        assert await device.page_of(sam) == "home"


async def test_who_is_quicker_with_the_same_link_and_name_is_not_put_out_with_the_slower_one_dr2(
    inside: Inside, alex: Visitor, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sam waits on two devices, and both are let in: the phone is in the room already when the tablet is asked for, and
    the tablet has used the link up before the phone can."""
    phone_is_in_the_room, tablet_has_the_link, admit = asyncio.Event(), asyncio.Event(), Tickets.admit

    async def admitted_later(tickets: Tickets, ticket: Ticket, participant: str, using: Statement) -> bool:
        if ticket.id == phone.ticket:
            phone_is_in_the_room.set()
            await tablet_has_the_link.wait()
        is_in = await admit(tickets, ticket, participant, using)
        tablet_has_the_link.set()
        return is_in

    async with inside.visitor() as device:
        phone, tablet = await device.knocks(link), await device.knocks(link)
        monkeypatch.setattr(Tickets, "admit", admitted_later)
        letting_in = asyncio.create_task(alex.admits(phone))
        await phone_is_in_the_room.wait()
        assert (await alex.admits(tablet)).status_code == 303
        assert (await letting_in).status_code == 409
        assert await device.page_of(tablet) == "home"
        assert (await device.looks_at_with(phone)).status_code == 410


@pytest.mark.parametrize("part", [(Hub, "ask"), (Tickets, "held"), (Tickets, "end_participant")])
async def test_leaving_takes_the_session_off_this_device_at_once_and_tells_the_others_later(
    inside: Inside, alex: Visitor, link: str, monkeypatch: pytest.MonkeyPatch, part: tuple[type, str]
) -> None:
    async with inside.browser() as sam:
        here = await is_let_in(sam, link, alex)
        ticket = here.removeprefix("/s/")
        with monkeypatch.context() as trouble:
            trouble.setattr(*part, unavailable)
            for _ in range(2):
                answer = await sam.post(f"{here}/leave")
                assert answer.status_code == 503 and "You have left on this device" in answer.text
                assert f'action="{here}/leave"' in answer.text, "the way to tell the others"
                assert set(sam.cookies) == {f"copage_{ticket}"}
        assert (await sam.get(here)).status_code == 403
        told = await sam.post(f"{here}/leave")
        assert told.headers["location"] == "/left" and not sam.cookies
    [held] = await inside.copage.opened.database.read(
        "SELECT room, participant, ended_at FROM tickets WHERE role = 'service_user'"
    )
    room = await inside.copage.hub.look(str(held["room"]))
    assert room is not None and room.participants[str(held["participant"])].left and held["ended_at"] is not None


async def test_who_left_on_another_device_keeps_nothing_on_this_one(inside: Inside, alex: Visitor, link: str) -> None:
    async with inside.browser() as sam:
        here = await is_let_in(sam, link, alex)
        [held] = await inside.copage.opened.database.read(
            "SELECT room, participant FROM tickets WHERE role = 'service_user'"
        )
        room, participant = str(held["room"]), str(held["participant"])
        await inside.copage.hub.ask(room, Actor(participant), Leave())
        answer = await sam.get(here)
        assert answer.status_code == 410 and "You have left" in answer.text
        assert not sam.cookies


async def test_a_script_that_leaves_is_not_told_that_it_worked_before_it_did(
    inside: Inside, alex: Visitor, link: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It has deleted one cookie, and asks until it is answered: with the other one, which must not be taken before."""
    async with inside.browser() as sam:
        here = await is_let_in(sam, link, alex)
        ticket = here.removeprefix("/s/")
        sam.cookies.delete(f"copage_here_{ticket}", path=here)
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "ask", unavailable)
            answer = await sam.post(f"{here}/leave")
            assert answer.status_code == 503 and "set-cookie" not in answer.headers
        assert (await sam.post(f"{here}/leave")).headers["location"] == "/left"
    held = await inside.copage.opened.database.read("SELECT ended_at FROM tickets WHERE id = $1", ticket)
    assert held[0]["ended_at"] is not None


async def test_the_start_link_stays_good_for_the_browser_that_met_trouble(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the operator's only link would belong to a browser that was never told so."""
    link = f"/start/{await inside.copage.start_links.make()}"
    account = {"login": "alex", "password": PASSWORD, "shown": "Alex", "job": ""}
    async with inside.browser() as alex, inside.browser() as stranger:
        assert (await alex.post(f"{link}/account", files={"login": b"a file"})).status_code == 415
        with monkeypatch.context() as trouble:
            trouble.setattr(Hub, "ask", unavailable)
            assert (await alex.post(f"{link}/practice")).status_code == 503
        assert (await stranger.post(f"{link}/account", data=account)).status_code == 404
        assert (await alex.post(f"{link}/account", data=account)).headers["location"] == "/desk"


@pytest.mark.parametrize("ticket", ["no%3b%20Domain=x%0d%0aX:y", "%C3%A9%E2%82%AC", "x" * 65])
async def test_an_address_that_no_ticket_can_have_is_refused_in_words(inside: Inside, ticket: str) -> None:
    async with inside.browser() as stranger:
        for answer in (await stranger.get(f"/s/{ticket}"), await stranger.post(f"/s/{ticket}/leave")):
            assert answer.status_code == 404 and "set-cookie" not in answer.headers


async def test_who_waits_when_the_session_is_over_is_told_so(
    inside: Inside, alex: Visitor, room: str, link: str
) -> None:
    async with inside.visitor() as device:
        sam = await device.knocks(link)
        door = await alex.arrival_of(sam)
        await alex.does(room, "end")
        answer = await device.looks_at_with(sam)
        assert answer.status_code == 410 and "The session is over" in answer.text
        assert (await alex.sends(f"{door}/admit")).status_code == 404


async def test_a_refusal_that_no_page_expects_is_still_a_sentence(
    alex: Visitor, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*anything: object) -> Refusal:
        return Refusal("not_allowed")

    monkeypatch.setattr(Hub, "ask", refuse)
    answer = await alex.does(room, "end")
    assert answer.status_code == 409 and "Please ask them" in answer.text


async def test_a_fault_in_a_page_is_a_sentence_and_one_line_of_the_log(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def break_down(*anything: object) -> None:
        raise RuntimeError("what somebody wrote")

    async with inside.browser() as stranger:
        monkeypatch.setattr(SqliteDatabase, "read", break_down)
        with structlog.testing.capture_logs() as lines:
            answer = await stranger.get("/s/no-such-ticket")
    assert answer.status_code == 500 and "not your doing" in answer.text
    [line] = lines
    assert (line["event"], line["error"]) == ("fault", "RuntimeError")
    assert "what somebody wrote" not in str(line)


async def test_a_server_whose_database_does_not_answer_is_alive_and_not_ready(
    inside: Inside, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with inside.browser() as machine:
        monkeypatch.setattr(SqliteDatabase, "read", unavailable)
        assert (await machine.get("/health/live")).status_code == 200
        assert (await machine.get("/health/ready")).status_code == 503


async def test_a_form_of_another_shape_is_refused_without_a_fuss(inside: Inside, link: str) -> None:
    async with inside.browser() as sam:
        for request in (
            {"files": {"name": ("sam.txt", b"Sam")}},
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data; boundary=y"}},
            {"content": b"&".join(b"a%d=1" % number for number in range(40))},
        ):
            answer = await sam.post(link, **request)
            assert answer.status_code in (400, 415, 422), answer.status_code
            assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("manifest", [None, "no json", "{}", '{"main.css": "main-1.css"}', '["main.css"]'])
def test_a_client_that_was_not_built_stops_the_start_with_one_line(tmp_path: Path, manifest: str | None) -> None:
    if manifest is not None:
        (tmp_path / "manifest.json").write_text(manifest)
    with pytest.raises(AssetsProblem, match="make client") as problem:
        Assets(tmp_path)
    assert "\n" not in str(problem.value)
