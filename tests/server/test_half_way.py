"""Who is in and who is out also when something goes wrong half way, is pressed twice, or happens at the same moment."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms import Actor, Leave, RemoveParticipant
from server.identity import Tickets
from server.ports import StoreUnavailable
from tests.hands import Hands
from tests.server.inside import Inside, inside_of
from tests.server.test_staff_sign_in import IDLE_MINUTES, whose
from tests.visitor import Held, Visitor, boot_of


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside_of(tmp_path) as inside:
        yield inside


@pytest.fixture
async def alex(inside: Inside) -> AsyncIterator[Visitor]:
    async with await inside.alex() as alex:
        yield alex


@pytest.fixture
async def device(inside: Inside) -> AsyncIterator[Visitor]:
    async with inside.visitor() as device:
        yield device


async def not_now(*_: object, **__: object) -> None:
    raise StoreUnavailable("not now")


async def of(inside: Inside, held: Held) -> tuple[str, str]:
    """The room of a ticket, and who its participant is."""
    ticket = await inside.copage.tickets.get(held.ticket)
    assert ticket is not None
    return ticket.room, ticket.participant


async def kim_joins(inside: Inside, alex: Visitor, kim: Visitor, room: str) -> str:
    """Kim gets an account and a place in the team of a room; gives the account's id."""
    await kim.takes_up(await alex.invites("Kim", "nurse", "worker"), "kim")
    [account] = [each.account.id for each in await inside.copage.accounts.all() if each.account.shown == "Kim"]
    added = await alex.sends(f"{room.replace('/desk/', '/admin/')}/add", account=account)
    assert added.status_code == 303, added.text
    return account


# --- what is said over the socket is only an event ---


@pytest.mark.parametrize("how", ["put out", "left"])
async def test_who_was_not_there_at_the_end_gets_no_closing_page_however_they_went_se8(
    inside: Inside, alex: Visitor, device: Visitor, how: str
) -> None:
    room = await alex.starts_room()
    own = await alex.goes_in(room)
    sam = await device.comes_in(await alex.link_of(room), alex)
    name, participant = await of(inside, sam)
    _, worker = await of(inside, own)
    if how == "left":
        await inside.copage.hub.ask(name, Actor(participant), Leave())
    else:
        await inside.copage.hub.ask(name, Actor(worker), RemoveParticipant(participant))
    await alex.does(room, "end")
    after = await device.looks_at_with(sam)
    assert after.status_code == 410 and "Alex" not in after.text and "What you looked at" not in after.text
    assert "What you looked at" in (await alex.looks_at_with(own)).text


# --- the store does not answer in the middle ---


async def test_a_worker_whose_ticket_could_not_be_written_goes_in_at_the_next_try(
    inside: Inside, alex: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await alex.starts_room()
    with monkeypatch.context() as trouble:
        trouble.setattr(Tickets, "create", not_now)
        assert (await alex.does(room, "enter")).status_code == 503
    own = await alex.goes_in(room)
    people = boot_of(await alex.looks_at_with(own))["view"]["people"]
    assert [(person["name"], person["left"]) for person in people] == [("Alex, nurse", False)]


async def test_a_removal_that_could_not_be_told_is_made_good_later(
    inside: Inside, alex: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await alex.starts_room()
    async with inside.visitor() as kim:
        account = await kim_joins(inside, alex, kim, room)
        held = await kim.goes_in(room)
        name, _ = await of(inside, held)
        with monkeypatch.context() as trouble:
            trouble.setattr(inside.copage.hub, "ask", not_now)
            assert (await alex.sends(f"/admin/accounts/{account}/disable")).status_code == 303
        assert (await kim.looks_at_with(held)).status_code == 410, "the ticket ended in the same transaction"
        await inside.copage.removals.finish()
        found = await inside.copage.hub.look(name)
        assert found is not None and found.session is not None and held.ticket in found.session.removed_devices


async def test_the_sweep_adds_nothing_to_a_removal_that_is_complete(inside: Inside, alex: Visitor) -> None:
    room = await alex.starts_room()
    async with inside.visitor() as kim:
        account = await kim_joins(inside, alex, kim, room)
        name, _ = await of(inside, await kim.goes_in(room))
        assert (await alex.sends(f"/admin/accounts/{account}/disable")).status_code == 303
        before = await inside.copage.hub.look(name)
        await inside.copage.removals.finish()
        after = await inside.copage.hub.look(name)
        assert before is not None and after == before


@pytest.mark.parametrize("way", ["/sign-out", "/account/sign-out-everywhere"])
async def test_who_signs_out_while_the_room_does_not_answer_is_out_of_the_session_too(
    inside: Inside, alex: Visitor, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    room = await alex.starts_room()
    own = await alex.goes_in(room)
    with monkeypatch.context() as trouble:
        trouble.setattr(inside.copage.hub, "ask", not_now)
        await alex.sends(way)
    assert (await alex.looks_at_with(own)).status_code == 410


# --- pressed twice ---


async def test_two_presses_of_go_in_are_one_person_on_two_tickets(inside: Inside, alex: Visitor) -> None:
    room = await alex.starts_room()
    answers = await asyncio.gather(*(alex.does(room, "enter") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [303] * 3
    tickets = [await inside.copage.tickets.get(answer.headers["location"].removeprefix("/s/")) for answer in answers]
    assert len({ticket.participant for ticket in tickets if ticket is not None}) == 1


async def test_two_presses_of_let_in_both_lead_in(inside: Inside, alex: Visitor, device: Visitor) -> None:
    room = await alex.starts_room()
    sam = await device.knocks(await alex.link_of(room))
    address = await alex.arrival_of(sam)
    answers = await asyncio.gather(*(alex.sends(f"{address}/admit") for _ in range(2)))
    assert [answer.status_code for answer in answers] == [303] * 2
    assert (await alex.sends(f"{address}/admit")).status_code == 303, "and once more, later"
    assert await device.page_of(sam) == "home"


async def test_a_worker_who_left_comes_back_as_another_participant_pt2(inside: Inside, alex: Visitor) -> None:
    room = await alex.starts_room()
    first = await alex.goes_in(room)
    await alex.sends_with(first, "leave")
    second = await alex.goes_in(room)
    assert (await of(inside, first))[1] != (await of(inside, second))[1]


# --- names ---


@pytest.mark.parametrize("name", ["Alex", " alex ", "\u202eAlex", "Alex\u3164", "Alex, nurse"])
async def test_nobody_knocks_under_the_name_of_the_worker_pt6(alex: Visitor, device: Visitor, name: str) -> None:
    link = await alex.link_of(await alex.starts_room())
    refused = await device.sends(link, name=name)
    assert refused.status_code == 422 and "set-cookie" not in refused.headers


# --- teams ---


async def test_whose_last_day_in_the_team_is_over_is_out_of_the_session(
    inside: Inside, alex: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await alex.starts_room()
    async with inside.visitor() as kim:
        account = await kim_joins(inside, alex, kim, room)
        held = await kim.goes_in(room)
        name, _ = await of(inside, held)
        now = inside.copage.clock.wall()
        await inside.copage.teams.add(name, account, to_at=now + 60_000)
        await inside.copage.removals.finish()
        assert await kim.page_of(held) == "home"
        inside.passes(monkeypatch, 61)
        await inside.copage.removals.finish()
        assert (await kim.looks_at_with(held)).status_code == 410


async def test_taken_out_of_the_team_is_out_of_the_session(inside: Inside, alex: Visitor) -> None:
    room = await alex.starts_room()
    async with inside.visitor() as kim:
        account = await kim_joins(inside, alex, kim, room)
        held = await kim.goes_in(room)
        await alex.sends(f"{room.replace('/desk/', '/admin/')}/remove", account=account)
        assert (await kim.looks_at_with(held)).status_code == 410
        assert (await kim.looks_at(room)).status_code == 404


# --- idle ---


async def test_a_desk_that_only_asks_by_itself_becomes_idle_also_after_a_new_start(inside: Inside) -> None:
    clock, database = Hands(), inside.copage.opened.database
    sessions = type(inside.copage.staff)(database, clock, IDLE_MINUTES)
    token = await sessions.open("alex")
    after = type(sessions)(database, clock, IDLE_MINUTES)
    for _ in range(IDLE_MINUTES + 1):
        await after.check(token, counts=False)
        clock.seconds += 60
    clock.seconds += 1
    assert await whose(after, token) is None


async def test_with_an_idle_sign_in_its_tickets_end(
    inside: Inside, alex: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = await alex.goes_in(await alex.starts_room())
    inside.passes(monkeypatch, 3 * 3600)
    assert len(await inside.copage.staff.end_idle()) == 1
    assert (await alex.looks_at_with(own)).status_code == 410


# --- links ---


async def test_no_link_is_made_for_a_session_that_was_called_off(
    inside: Inside, alex: Visitor, device: Visitor
) -> None:
    prepared = await alex.sends("/desk/prepare", room="", label="", day="2099-01-01", time="")
    assert prepared.status_code == 422
    room = await alex.starts_room()
    page = (await alex.looks_at(room)).text
    [address] = set(re.findall(rf'action="({room}/sessions/[\w-]+)/link"', page))
    await alex.does(room, "end")
    assert (await alex.sends(f"{address}/link")).status_code == 404
