"""A ticket from the knock to its end: what it opens, for whom, and what it says when it opens nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms import SERVER, EndSession, OpenSession
from rooms.events import Role
from server.bus.memory import MemoryBus, MemoryExchange
from server.clock import new_id
from server.hub import Hub
from server.identity import Accounts, Keeping, State, digest, here_cookie, secret_cookie
from server.identity.tickets import WAITING_AT_ONCE
from server.ports import Statement
from server.store.problems import Tampered
from tests.server.records import Records, cookies_of, records
from tests.server.test_hub import Ears


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Records]:
    async with records(tmp_path) as house:
        yield house


# --- what a device holds ---


async def test_a_ticket_needs_both_of_its_cookies(house: Records) -> None:
    await house.session()
    sam = await house.tickets.create("room", "session", "sam", Role.SERVICE_USER)
    kim = await house.tickets.create("room", "session", "kim", Role.SERVICE_USER)
    both = cookies_of(sam)
    assert await house.tickets.check(sam.ticket.id, both) == sam.ticket
    for name in both:
        assert await house.tickets.check(sam.ticket.id, {k: v for k, v in both.items() if k != name}) is None
        assert await house.tickets.check(sam.ticket.id, {**both, name: ""}) is None
        assert await house.tickets.check(sam.ticket.id, {**both, name: kim.secret}) is None
    assert await house.tickets.check(kim.ticket.id, both) is None, "another person's address"
    assert await house.tickets.check("made up", both) is None
    assert sam.secret not in repr(sam) and sam.here not in repr(sam)


async def test_without_the_cookie_that_scripts_delete_a_ticket_is_good_for_leaving_only(house: Records) -> None:
    await house.session()
    sam = await house.tickets.create("room", "session", "sam", Role.SERVICE_USER)
    only_secret = {secret_cookie(sam.ticket.id): sam.secret}
    assert await house.tickets.held(sam.ticket.id, only_secret) == sam.ticket
    assert await house.tickets.find(sam.ticket.id, only_secret) is None
    assert await house.tickets.held(sam.ticket.id, {here_cookie(sam.ticket.id): sam.here}) is None


async def test_who_leaves_leaves_on_every_device_and_others_stay(house: Records) -> None:
    await house.session()
    phone = await house.tickets.create("room", "session", "sam", Role.SERVICE_USER)
    tablet = await house.tickets.create("room", "session", "sam", Role.SERVICE_USER)
    alex = await house.tickets.create("room", "session", "alex", Role.WORKER)
    await house.tickets.end_participant("room", "sam")
    for new in (phone, tablet):
        assert await house.tickets.check(new.ticket.id, cookies_of(new)) is None
        assert await house.state(new) is State.LEFT
    assert await house.tickets.check(alex.ticket.id, cookies_of(alex)) == alex.ticket


async def test_a_device_has_a_key_of_its_own_for_as_long_as_its_ticket(house: Records) -> None:
    await house.session()
    phone, tablet, other = [
        await house.tickets.create("room", "session", who, Role.SERVICE_USER) for who in ("sam", "sam", "kim")
    ]
    keys = [await house.tickets.device_key(new.ticket) for new in (phone, tablet, other)]
    assert [len(key) for key in keys if key] == [32] * 3 and len(set(keys)) == 3
    assert await house.tickets.device_key(phone.ticket) == keys[0]
    await house.tickets.end_participant("room", "sam")
    assert [await house.tickets.device_key(new.ticket) for new in (phone, tablet)] == [None, None]
    assert await house.tickets.device_key(other.ticket) == keys[2]
    rows = await house.database.read("SELECT device_key FROM tickets WHERE participant = 'sam'")
    assert [row["device_key"] for row in rows] == [None, None]


async def test_when_the_session_ends_its_devices_keys_are_forgotten(house: Records) -> None:
    await house.session()
    sam = await house.tickets.create("room", "session", "sam", Role.SERVICE_USER)
    hub = Hub(house.store, MemoryBus(MemoryExchange(), "north"), Ears(), house.clock, new_id, "north")
    for command in (OpenSession("session", False, "starter", ("home",), "home"), EndSession()):
        assert await house.tickets.device_key(sam.ticket) is not None
        assert isinstance(await hub.ask("room", SERVER, command), tuple)
    assert await house.tickets.device_key(sam.ticket) is None


# --- waiting ---


async def test_who_knocks_waits_and_opens_nothing_until_they_are_let_in_dr1(house: Records) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    assert await house.state(sam) is State.WAITING
    assert await house.tickets.check(sam.ticket.id, cookies_of(sam)) is None, "no socket"
    assert await house.waiting() == ["Sam"]

    assert await house.admits(sam, link)
    assert await house.tickets.check(sam.ticket.id, cookies_of(sam)) is not None
    assert await house.waiting() == []
    known = await house.tickets.arrival(sam.ticket)
    assert known is not None and known.name == "Sam" and "Sam" not in repr(known)


async def test_who_came_first_stands_first(house: Records) -> None:
    link = await house.session()
    for name in ("Sam", "Noor", "Ben"):
        await house.knocks(link, name)
        house.clock.seconds += 1
    assert await house.waiting() == ["Sam", "Noor", "Ben"]


async def test_at_most_twenty_wait_for_one_session_however_many_knock_at_once(house: Records) -> None:
    link, other = await house.session(), await house.session("another")
    new = await asyncio.gather(*(house.arrives(link, f"Sam {number}") for number in range(WAITING_AT_ONCE + 10)))
    waiting = [each for each in new if each is not None]
    assert len(waiting) == len(await house.waiting()) == WAITING_AT_ONCE
    assert await house.arrives(other) is not None, "another session's door is another door"
    await house.tickets.end(waiting[0].ticket.id, State.LEFT)
    assert await house.arrives(link) is not None and await house.arrives(link) is None


async def test_nobody_waits_for_a_session_that_is_gone(house: Records) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    await house.store.destroy("session", house.clock.wall())
    assert await house.arrives(link, "Noor") is None
    assert await house.tickets.arrivals("session") == () and await house.tickets.arrival(sam.ticket) is None
    assert await house.database.read("SELECT id FROM tickets") == []


async def test_a_sentence_reaches_who_waits_and_takes_the_place_of_the_one_before(house: Records) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    for sentence in ("Five minutes.", "Two minutes."):
        [arrival] = await house.tickets.arrivals("session")
        await house.tickets.write_to(arrival, sentence)
    [arrival] = await house.tickets.arrivals("session")
    assert (arrival.name, arrival.sentence) == ("Sam", "Two minutes.")
    await house.admits(sam, link)
    await house.tickets.write_to(arrival, "Too late.")
    known = await house.tickets.arrival(sam.ticket)
    assert known is not None and known.sentence == "Two minutes."


# --- being let in ---


async def test_two_devices_wait_with_one_link_and_the_first_that_is_let_in_has_it_dr2(house: Records) -> None:
    link = await house.session()
    phone, tablet = await house.knocks(link), await house.knocks(link)
    assert await house.link_state(link) == "open", "waiting uses nothing up"
    assert await house.admits(tablet, link)
    assert await house.state(tablet) is State.ADMITTED
    assert await house.state(phone) is State.TURNED_AWAY
    assert not await house.admits(phone, link)
    found = await house.invitations.look(link)
    assert found is not None and (found.state, found.ticket) == ("used", tablet.ticket.id)


async def test_six_are_let_in_at_once_by_one_link_and_one_is_in_dr2(house: Records) -> None:
    link = await house.session()
    devices = [await house.knocks(link, f"Sam {number}") for number in range(6)]
    let_in = await asyncio.gather(*(house.admits(each, link) for each in devices))
    assert sum(let_in) == 1
    in_it = [each for each, is_in in zip(devices, let_in, strict=True) if is_in]
    assert [await house.state(each) for each in in_it] == [State.ADMITTED]
    assert {await house.state(each) for each in devices if each not in in_it} == {State.TURNED_AWAY}
    found = await house.invitations.look(link)
    assert found is not None and found.ticket == in_it[0].ticket.id


async def test_one_device_is_let_in_twice_at_once_and_once_is_enough(house: Records) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    assert sorted(await asyncio.gather(*(house.admits(sam, link) for _ in range(2)))) == [False, True]
    assert await house.state(sam) is State.ADMITTED


async def test_nobody_is_let_in_to_a_session_that_has_ended(house: Records) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    await house.marks("session", "ended")
    assert not await house.admits(sam, link)
    assert await house.state(sam) is State.WAITING


@pytest.mark.parametrize("newer", [True, False])
async def test_taking_a_link_back_turns_away_who_waits_with_it_and_nobody_else(house: Records, newer: bool) -> None:
    first = await house.session()
    sam = await house.knocks(first)
    assert await house.admits(sam, first)
    second = await house.invitations.make("room", "session")
    stranger = await house.knocks(second, "Robin")
    if newer:
        await house.invitations.make("room", "session")
    else:
        await house.invitations.revoke("session")
    assert await house.state(stranger) is State.TURNED_AWAY
    assert await house.state(sam) is State.ADMITTED
    assert not await house.admits(stranger, second)


# --- ends ---


@pytest.mark.parametrize("why", [State.LEFT, State.TURNED_AWAY, State.REMOVED])
async def test_a_ticket_keeps_the_first_reason_for_which_it_has_ended_dr5(house: Records, why: State) -> None:
    link = await house.session()
    sam = await house.knocks(link)
    await house.tickets.end(sam.ticket.id, why)
    for later in (State.LEFT, State.TURNED_AWAY, State.REMOVED):
        await house.tickets.end(sam.ticket.id, later)
        await house.tickets.end_participant("room", sam.ticket.participant, later)
    await house.invitations.revoke("session")
    assert await house.state(sam) is why
    assert await house.waiting() == [] and not await house.admits(sam, link)
    found = await house.tickets.find(sam.ticket.id, cookies_of(sam))
    assert found is not None and found.ended


async def test_who_is_put_out_is_out_on_every_device_and_another_room_is_not_touched_dr5(house: Records) -> None:
    await house.session()
    await house.session("another", room="another room")
    devices = [await house.tickets.create("room", "session", "sam", Role.SERVICE_USER) for _ in range(2)]
    elsewhere = await house.tickets.create("another room", "another", "sam", Role.SERVICE_USER)
    await house.tickets.end_participant("room", "sam", State.REMOVED)
    assert [await house.state(each) for each in devices] == [State.REMOVED] * 2
    assert await house.state(elsewhere) is State.ADMITTED


async def test_an_account_and_a_sign_in_are_put_out_and_named_where_a_session_goes_on(house: Records) -> None:
    for session in ("open", "ended", "prepared"):
        await house.session(session, room=session)
    for session, what in (("open", "opened"), ("ended", "opened"), ("ended", "ended")):
        await house.marks(session, what)
    create = house.tickets.create
    laptop = await create("open", "open", "alex", Role.WORKER, "alex", "sign-in on the laptop")
    phone = await create("open", "open", "alex", Role.WORKER, "alex", "sign-in on the phone")
    over = await create("ended", "ended", "alex", Role.WORKER, "alex", "sign-in on the laptop")
    kim = await create("open", "open", "kim", Role.WORKER, "kim", "sign-in of Kim")

    assert [each.id for each in await house.tickets.end_sign_in("sign-in on the laptop")] == [laptop.ticket.id]
    assert [await house.state(each) for each in (laptop, over, phone)] == [
        State.REMOVED,
        State.REMOVED,
        State.ADMITTED,
    ]
    ended = await house.tickets.end_account("alex")
    assert {each.id for each in ended} == {laptop.ticket.id, phone.ticket.id}, "those ended before too"
    assert await house.state(phone) is State.REMOVED
    assert await house.state(kim) is State.ADMITTED


# --- on the disk ---


async def test_no_secret_and_no_word_is_stored_as_it_is(house: Records) -> None:
    link = await house.session()
    code = await house.codes.make(digest(link))
    sam = await house.knocks(link, "Sam Zaunkönig")
    [arrival] = await house.tickets.arrivals("session")
    await house.tickets.write_to(arrival, "Alex comes at ten.")
    await house.teams.name_room("room", "Wednesdays")
    tables = ("tickets", "invitations", "codes", "rooms")
    stored = repr([await house.database.read(f"SELECT * FROM {table}") for table in tables]).encode()
    assert sam.ticket.id.encode() in stored
    for word in (link, sam.secret, sam.here, code, "Sam Zaunkönig", "Alex comes at ten.", "Wednesdays"):
        assert word.encode() not in stored and repr(word.encode())[2:-1].encode() not in stored


async def test_a_name_opens_only_for_the_ticket_and_under_the_key_it_was_given_to(house: Records) -> None:
    link, other = await house.session(), await house.session("another")
    sam, noor, ben = await house.knocks(link), await house.knocks(link, "Noor"), await house.knocks(other, "Ben")
    for whose, taken in ((sam, noor), (sam, ben)):
        moving = "UPDATE tickets SET sealed = (SELECT sealed FROM tickets WHERE id = $1) WHERE id = $2"
        await house.database.write(Statement(moving, (taken.ticket.id, whose.ticket.id), rows=1))
        with pytest.raises(Tampered):
            await house.tickets.arrival(whose.ticket)


@pytest.mark.parametrize("how", ["disable", "reset", "roles"])
async def test_no_crash_comes_between_the_end_of_an_account_and_that_of_its_tickets(house: Records, how: str) -> None:
    """What closes the connections comes later, and may never come: the server may die before."""
    keeping = Keeping(house.database, house.opened.vault, house.clock, new_id)
    accounts = Accounts(house.database, house.opened.vault, house.clock, new_id)
    await accounts.create("alex", "four words in a row", "Alex", "")
    kim, _ = await keeping.invite("Kim", "", ["worker"])
    await house.session()
    new = await house.tickets.create("room", "session", "kim", Role.WORKER, kim.id, "a sign-in")
    if how == "disable":
        await keeping.disable(kim.id)
    elif how == "reset":
        await keeping.reset(kim.id)
    else:
        await keeping.set_roles(kim.id, ["supervisor"])
    assert await house.state(new) is State.REMOVED
