"""Who is who: what opens something, for whom, and for how long."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rooms.events import Role
from server.clock import new_id
from server.identity import (
    AccountProblem,
    Accounts,
    Invitations,
    SignInProblem,
    StaffSessions,
    StartLinks,
    Tickets,
    here_cookie,
    secret_cookie,
    staff,
    start_links,
)
from server.identity.tickets import NewTicket
from server.identity.tries import PLACE_TRIES_AT_ONCE, REMEMBERED, TRIES_AT_ONCE, TRY_EVERY, Tries, place_of
from server.ports import Conflict, NewRoom, Statement
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble

PASSWORD = "four words in a row"


class Hands:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> int:
        return int(self.seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        raise AssertionError("nothing here waits")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        yield opened


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def accounts(house: Opened, clock: Hands) -> Accounts:
    return Accounts(house.database, house.vault, clock, new_id)


@pytest.fixture
def tickets(house: Opened, clock: Hands) -> Tickets:
    return Tickets(house.database, clock, new_id)


@pytest.fixture
def invitations(house: Opened, tickets: Tickets, clock: Hands) -> Invitations:
    return Invitations(house.database, house.vault, tickets, clock, new_id)


def cookies_of(new: NewTicket) -> dict[str, str]:
    return {secret_cookie(new.ticket.id): new.secret, here_cookie(new.ticket.id): new.here}


OFFICE, ELSEWHERE = "192.0.2.7", "203.0.113.9"


async def tries(accounts: Accounts, login: str, password: str, peer: str = OFFICE) -> str:
    """What comes of signing in: "in", or the code of why not."""
    try:
        await accounts.sign_in(login, password, peer)
    except SignInProblem as problem:
        return problem.code
    return "in"


# --- accounts ---


async def test_alex_signs_in_with_name_and_password_and_is_shown_with_a_job(accounts: Accounts) -> None:
    assert not await accounts.exist()
    made = await accounts.create("Alex@Work", PASSWORD, "  Alex ", "nurse")
    assert await accounts.exist()
    again = await accounts.sign_in(" alex@work ", PASSWORD, OFFICE)
    assert again == made == await accounts.get(made.id)
    assert again.name_and_job == "Alex, nurse"
    assert "Alex" not in repr(again)


async def test_a_name_longer_than_any_account_has_is_counted_by_its_beginning(accounts: Accounts) -> None:
    """Names are remembered to slow down guessing, and a stranger chooses how long they are."""
    for nth in range(TRIES_AT_ONCE):
        assert await tries(accounts, "x" * 50_000 + str(nth), PASSWORD) == "wrong"
    assert await tries(accounts, "x" * 50_000 + "again", PASSWORD) == "slow_down"


async def test_a_wrong_name_is_answered_like_a_wrong_password(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    compared: list[str] = []
    made: list[str] = []
    verify, hash_ = Accounts._verify, Accounts._hash

    async def counting(self: Accounts, stored: str, password: str) -> bool:
        compared.append(stored[:30])
        return await verify(self, stored, password)

    async def making(self: Accounts, password: str) -> str:
        made.append(password)
        return await hash_(self, password)

    monkeypatch.setattr(Accounts, "_verify", counting)
    monkeypatch.setattr(Accounts, "_hash", making)
    assert await tries(accounts, "alex", "another password") == "wrong"
    hashes_for_alex = len(made)
    assert await tries(accounts, "nobody", "another password") == "wrong"
    # One comparison each, with the same parameters: the same work, so the same time.
    assert len(compared) == 2 and compared[0] == compared[1]
    assert len(made) == hashes_for_alex, "nothing is made for a wrong name only"


async def test_an_account_that_was_switched_off_opens_nothing(accounts: Accounts, house: Opened) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    await house.database.write(Statement("UPDATE accounts SET disabled = 1 WHERE id = $1", (made.id,), rows=1))
    assert await tries(accounts, "alex", PASSWORD) == "wrong"
    assert await accounts.get(made.id) is None


async def test_guessing_one_account_slows_down_and_others_still_get_in(accounts: Accounts, clock: Hands) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    await accounts.create("kim", PASSWORD, "Kim", "")
    for _ in range(TRIES_AT_ONCE):
        assert await tries(accounts, "alex", "a guess") == "wrong"
    assert await tries(accounts, "alex", PASSWORD) == "slow_down"
    assert await tries(accounts, "kim", PASSWORD) == "in"
    clock.seconds += TRY_EVERY
    assert await tries(accounts, "alex", PASSWORD) == "in"


async def test_a_stranger_who_guesses_all_day_closes_the_door_for_nobody_else(
    accounts: Accounts, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    verify = Accounts._verify

    async def quickly(self: Accounts, stored: str, password: str) -> bool:
        return password == PASSWORD and await verify(self, stored, password)

    monkeypatch.setattr(Accounts, "_verify", quickly)
    for second in range(600):
        for login in ("alex", f"name{second}"):
            await tries(accounts, login, "a guess", ELSEWHERE)
        clock.seconds += 1
    assert await tries(accounts, "alex", PASSWORD, ELSEWHERE) == "slow_down"
    assert await tries(accounts, "alex", PASSWORD, OFFICE) == "in"


def test_guessing_many_names_slows_down_the_place_it_comes_from(clock: Hands) -> None:
    tried = Tries(clock)
    said = [tried.take(f"name{number}", ELSEWHERE) for number in range(PLACE_TRIES_AT_ONCE + 10)]
    assert said == [True] * PLACE_TRIES_AT_ONCE + [False] * 10
    assert tried.take("alex", OFFICE)


def test_many_places_that_guess_are_forgotten_in_turn_and_close_nothing(clock: Hands) -> None:
    tried = Tries(clock)
    for number in range(REMEMBERED + 100):
        assert tried.take("alex", f"10.0.{number // 250}.{number % 250}")
    assert tried.take("alex", OFFICE)
    assert [len(buckets._buckets) for buckets in (tried._places, tried._names)] == [REMEMBERED, REMEMBERED]


def test_a_household_is_one_place_however_many_addresses_it_has() -> None:
    assert place_of("2001:db8:1:2:aaaa::1") == place_of("2001:db8:1:2:bbbb::9") != place_of("2001:db8:1:3::1")
    assert place_of("::ffff:192.0.2.7") == place_of("192.0.2.7") != place_of("192.0.2.8")
    assert place_of("made up") == place_of("")


@pytest.mark.parametrize(
    ("login", "password", "shown", "job", "code"),
    [
        ("a", PASSWORD, "Alex", "", "login_name"),
        ("al ex", PASSWORD, "Alex", "", "login_name"),
        ("alex", "too short", "Alex", "", "password"),
        ("alex", "x" * 201, "Alex", "", "password"),
        ("alex", PASSWORD, "\u202e", "", "shown"),
        ("alex", PASSWORD, "Alex", "j" * 40, "shown"),
    ],
)
async def test_what_cannot_be_an_account_is_refused_and_writes_nothing(
    accounts: Accounts, login: str, password: str, shown: str, job: str, code: str
) -> None:
    with pytest.raises(AccountProblem, match=code):
        await accounts.create(login, password, shown, job)
    assert not await accounts.exist()


async def test_two_accounts_of_one_name_made_at_once_are_one(accounts: Accounts) -> None:
    made = await asyncio.gather(
        *(accounts.create("alex", PASSWORD, name, "") for name in ("Alex", "Sasha")), return_exceptions=True
    )
    [refused] = [each for each in made if isinstance(each, AccountProblem)]
    assert refused.code == "login_taken"


# --- sign-ins ---


async def test_a_sign_in_ends_when_it_is_closed_or_idle_or_a_day_old(house: Opened, clock: Hands) -> None:
    sessions = StaffSessions(house.database, clock)
    first, second = await sessions.open("alex"), await sessions.open("alex")
    assert await sessions.check(first) == "alex"
    await sessions.close(first)
    assert await sessions.check(first) is None
    for _ in range(11):
        clock.seconds += 3600
        assert await sessions.check(second) == "alex", "in use, so it goes on"
    third = await sessions.open("kim")
    clock.seconds += staff.IDLE_FOR / 1000 + 1
    assert await sessions.check(second) is None, "its day is over"
    assert await sessions.check(third) is None, "nobody was there"
    clock.seconds += 60
    await sessions.open("alex")
    assert await sessions.check(third) is None, "what has ended stays so"
    assert await sessions.check(None) is None and await sessions.check("made up") is None


async def test_a_sign_in_outlives_a_new_start_of_the_server(house: Opened, clock: Hands) -> None:
    token = await StaffSessions(house.database, clock).open("alex")
    after = StaffSessions(house.database, clock)
    clock.seconds += staff.IDLE_FOR / 1000 + 1
    assert await after.check(token) == "alex"
    clock.seconds += staff.SIGNED_IN_FOR / 1000
    assert await after.check(token) is None


# --- start links ---


async def test_a_start_link_belongs_to_the_first_browser_that_uses_it(house: Opened, clock: Hands) -> None:
    links = StartLinks(house.database, clock)
    token = await links.make()
    assert await links.works(token, None), "looking binds nothing"
    browser = await links.bind(token, None)
    assert browser is not None
    assert await links.bind(token, browser) == browser
    assert await links.bind(token, None) is None and await links.bind(token, "another") is None
    assert not await links.works(token, None)


async def test_two_browsers_at_once_one_start_link(house: Opened, clock: Hands) -> None:
    links = StartLinks(house.database, clock)
    token = await links.make()
    bound = await asyncio.gather(*(links.bind(token, None) for _ in range(5)))
    assert sum(each is not None for each in bound) == 1


async def test_a_start_link_makes_one_account_and_a_newer_link_replaces_it(
    house: Opened, accounts: Accounts, clock: Hands
) -> None:
    links = StartLinks(house.database, clock)
    first = await links.make()
    second = await links.make()
    assert not await links.works(first, None)
    await accounts.create("alex", PASSWORD, "Alex", "", links.using_up(second))
    with pytest.raises(Conflict):
        await accounts.create("kim", PASSWORD, "Kim", "", links.using_up(second))
    assert await tries(accounts, "kim", PASSWORD) == "wrong", "no link, no account"
    third = await links.make()
    clock.seconds += start_links.LIVES_FOR / 1000 + 1
    assert not await links.works(third, None)


# --- tickets ---


async def test_a_ticket_needs_both_of_its_cookies(tickets: Tickets) -> None:
    sam = await tickets.create("room", "session", "sam", Role.SERVICE_USER)
    kim = await tickets.create("room", "session", "kim", Role.SERVICE_USER)
    both = cookies_of(sam)
    assert await tickets.check(sam.ticket.id, both) == sam.ticket
    for name in both:
        assert await tickets.check(sam.ticket.id, {k: v for k, v in both.items() if k != name}) is None
        assert await tickets.check(sam.ticket.id, {**both, name: ""}) is None
        assert await tickets.check(sam.ticket.id, {**both, name: kim.secret}) is None
    assert await tickets.check(kim.ticket.id, both) is None, "another person's address"
    assert await tickets.check("made up", both) is None
    assert sam.secret not in repr(sam) and sam.here not in repr(sam)


async def test_without_the_cookie_that_scripts_delete_a_ticket_is_good_for_leaving_only(tickets: Tickets) -> None:
    sam = await tickets.create("room", "session", "sam", Role.SERVICE_USER)
    only_secret = {secret_cookie(sam.ticket.id): sam.secret}
    assert await tickets.held(sam.ticket.id, only_secret) == sam.ticket
    assert await tickets.find(sam.ticket.id, only_secret) is None
    assert await tickets.held(sam.ticket.id, {here_cookie(sam.ticket.id): sam.here}) is None


async def test_who_leaves_leaves_on_every_device_and_others_stay(tickets: Tickets) -> None:
    phone = await tickets.create("room", "session", "sam", Role.SERVICE_USER)
    tablet = await tickets.create("room", "session", "sam", Role.SERVICE_USER)
    alex = await tickets.create("room", "session", "alex", Role.WORKER)
    await tickets.end_participant("room", "sam")
    for new in (phone, tablet):
        assert await tickets.check(new.ticket.id, cookies_of(new)) is None
        found = await tickets.find(new.ticket.id, cookies_of(new))
        assert found is not None and found.ended
    assert await tickets.check(alex.ticket.id, cookies_of(alex)) == alex.ticket


async def test_the_name_to_sign_in_with_is_found_by_a_hash_and_stored_nowhere(
    house: Opened, accounts: Accounts
) -> None:
    made = await accounts.create("friederike", PASSWORD, "Fritzi", "nurse")
    [row] = await house.database.read("SELECT * FROM accounts")
    assert made.id in repr(row) and "friederike" not in repr(row)
    assert hashlib.sha256(b"friederike").hexdigest() not in repr(row), "without the key nobody can try names"
    with pytest.raises(AccountProblem, match="login_taken"):
        await accounts.create(" Friederike", PASSWORD, "Rike", "")


async def test_no_secret_is_stored_as_it_is(house: Opened, tickets: Tickets, invitations: Invitations) -> None:
    await house.store.create(NewRoom("room", "session", False, "alex", 1))
    token = await invitations.make("room")
    sam = await tickets.create("room", "session", "sam", Role.SERVICE_USER)
    stored = repr(await house.database.read("SELECT * FROM tickets")) + repr(
        await house.database.read("SELECT * FROM invitations")
    )
    assert sam.ticket.id in stored
    assert not any(secret in stored for secret in (token, sam.secret, sam.here))


# --- invitations ---


async def test_an_invitation_is_used_once_however_many_come_at_once(house: Opened, invitations: Invitations) -> None:
    await house.store.create(NewRoom("room", "session", False, "alex", 1))
    token = await invitations.make("room")
    assert await invitations.current("room") == token
    seen = await invitations.look(token)
    assert seen is not None and seen.state == "open", "looking uses nothing up"

    bound = await asyncio.gather(*(invitations.bind(token, seen) for _ in range(8)))
    [new] = [each for each in bound if each is not None]
    assert (new.ticket.room, new.ticket.session, new.ticket.role) == ("room", "session", Role.SERVICE_USER)
    assert len(await house.database.read("SELECT id FROM tickets")) == 1
    after = await invitations.look(token)
    assert after is not None and (after.state, after.ticket) == ("used", new.ticket.id)
    assert await invitations.current("room") is None


async def test_a_newer_invitation_replaces_one_that_nobody_used(house: Opened, invitations: Invitations) -> None:
    await house.store.create(NewRoom("room", "session", False, "alex", 1))
    first, second = await invitations.make("room"), await invitations.make("room")
    old, new = await invitations.look(first), await invitations.look(second)
    assert old is not None and new is not None
    assert (old.state, new.state) == ("revoked", "open")
    assert await invitations.bind(first, old) is None
    assert await invitations.bind(second, new) is not None


async def test_an_invitation_to_a_session_that_ended_lets_nobody_in(house: Opened, invitations: Invitations) -> None:
    await house.store.create(NewRoom("room", "session", False, "alex", 1))
    token = await invitations.make("room")
    seen = await invitations.look(token)
    assert seen is not None
    await house.database.write(Statement("UPDATE sessions SET ended_at = 5 WHERE room = 'room'", rows=1))
    assert await invitations.bind(token, seen) is None
    over = await invitations.look(token)
    assert over is not None and over.state == "over"
    assert await invitations.look("made up") is None
