"""Staff accounts: who can sign in, what admins do, and what cannot be done to the last of them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from itertools import islice
from pathlib import Path

import pytest

from server.clock import new_id
from server.identity import (
    Account,
    AccountProblem,
    Accounts,
    Keeping,
    SignInProblem,
    StaffRole,
    StaffSessions,
    Stage,
    Supervisions,
    staff_links,
)
from server.identity.passwords import HASHES_AT_ONCE, IN_LINE, Passwords
from server.identity.tries import PLACE_TRIES_AT_ONCE, REMEMBERED, TRIES_AT_ONCE, TRY_EVERY, Tries, place_of
from server.ports import Conflict
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble
from tests.hands import Hands

PASSWORD = "four words in a row"
ANOTHER = "four other words now"
OFFICE, ELSEWHERE = "192.0.2.7", "203.0.113.9"
BOTH = frozenset({StaffRole.ADMIN, StaffRole.WORKER})


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
def keeping(house: Opened, clock: Hands) -> Keeping:
    return Keeping(house.database, house.vault, clock, new_id)


@pytest.fixture
def staff(house: Opened, clock: Hands) -> StaffSessions:
    return StaffSessions(house.database, clock, 15)


async def tries(accounts: Accounts, login: str, password: str, peer: str = OFFICE) -> str:
    """What comes of signing in: "in", or the code of why not."""
    try:
        await accounts.sign_in(login, password, peer)
    except SignInProblem as problem:
        return problem.code
    return "in"


async def is_invited(accounts: Accounts, keeping: Keeping, login: str, *roles: StaffRole) -> Account:
    """A colleague who has followed the link of an admin."""
    account, token = await keeping.invite(login.title(), "", roles)
    await accounts.take_up(token, login, PASSWORD)
    return account


# --- signing in ---


async def test_alex_signs_in_with_name_and_password_and_is_shown_with_a_job(accounts: Accounts) -> None:
    assert not await accounts.exist()
    made = await accounts.create("Alex@Work", PASSWORD, "  Alex ", "nurse")
    assert await accounts.exist()
    again = await accounts.sign_in(" alex@work ", PASSWORD, OFFICE)
    assert again.account == made == await accounts.get(made.id)
    assert made.name_and_job == "Alex, nurse"
    assert made.roles == BOTH, "the first one has to invite the others"
    assert "Alex" not in repr(made) + repr(again) + repr(await accounts.on_file(made.id))


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
    verify, hash_ = Passwords.verify, Passwords.hash

    async def counting(self: Passwords, stored: str, password: str, lately: float = 0.0) -> bool:
        compared.append(stored[:30])
        return await verify(self, stored, password)

    async def making(self: Passwords, password: str) -> str:
        made.append(password)
        return await hash_(self, password)

    monkeypatch.setattr(Passwords, "verify", counting)
    monkeypatch.setattr(Passwords, "hash", making)
    assert await tries(accounts, "alex", "another password") == "wrong"
    hashes_for_alex = len(made)
    assert await tries(accounts, "nobody", "another password") == "wrong"
    # One comparison each, with the same parameters: the same work, so the same time.
    assert len(compared) == 2 and compared[0] == compared[1]
    assert len(made) == hashes_for_alex, "nothing is made for a wrong name only"


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
    verify = Passwords.verify

    async def quickly(self: Passwords, stored: str, password: str, lately: float = 0.0) -> bool:
        return password == PASSWORD and await verify(self, stored, password)

    monkeypatch.setattr(Passwords, "verify", quickly)
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


async def test_the_name_to_sign_in_with_is_found_by_a_hash_and_stored_nowhere(
    house: Opened, accounts: Accounts
) -> None:
    made = await accounts.create("friederike", PASSWORD, "Fritzi", "nurse")
    [row] = await house.database.read("SELECT * FROM accounts")
    assert made.id in repr(row) and "friederike" not in repr(row)
    assert hashlib.sha256(b"friederike").hexdigest() not in repr(row), "without the key nobody can try names"
    with pytest.raises(AccountProblem, match="login_taken"):
        await accounts.create(" Friederike", PASSWORD, "Rike", "")


async def test_two_accounts_of_one_name_made_at_once_are_one(accounts: Accounts) -> None:
    made = await asyncio.gather(
        *(accounts.create("alex", PASSWORD, name, "") for name in ("Alex", "Sasha")), return_exceptions=True
    )
    [refused] = [each for each in made if isinstance(each, AccountProblem)]
    assert refused.code == "login_taken"


async def test_a_hash_that_is_old_is_made_anew_and_brings_no_old_password_back(
    accounts: Accounts, keeping: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    monkeypatch.setattr(Passwords, "is_old", lambda self, stored: True)
    assert await tries(accounts, "alex", PASSWORD) == "in"
    assert await tries(accounts, "alex", PASSWORD) == "in", "with the new hash"
    hash_ = Passwords.hash

    async def while_it_is_reset(self: Passwords, password: str) -> str:
        monkeypatch.setattr(Passwords, "hash", hash_)
        await keeping.reset(made.id, even_the_last_admin=True)
        return await hash_(self, password)

    monkeypatch.setattr(Passwords, "hash", while_it_is_reset)
    await tries(accounts, "alex", PASSWORD)
    found = await accounts.on_file(made.id)
    assert found is not None and not found.has_password


async def test_however_many_sign_in_at_once_only_two_hashes_are_made_at_once(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(8):
        await accounts.create(f"alex{number}", PASSWORD, "Alex", "")
    running, most = 0, 0
    to_thread = asyncio.to_thread

    async def counted(function: object, *values: object) -> object:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            return await to_thread(function, *values)  # type: ignore[arg-type]  # whatever it was called with
        finally:
            running -= 1

    monkeypatch.setattr(asyncio, "to_thread", counted)
    said = await asyncio.gather(*(tries(accounts, f"alex{number}", PASSWORD) for number in range(8)))
    assert said == ["in"] * 8 and most == HASHES_AT_ONCE


async def test_when_very_many_sign_in_at_once_the_rest_is_told_to_wait(
    accounts: Accounts, monkeypatch: pytest.MonkeyPatch
) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    assert await tries(accounts, "alex", PASSWORD) == "in"
    goes_on = asyncio.Event()

    async def slowly(function: object, *values: object) -> bool:
        await goes_on.wait()
        return True

    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "to_thread", slowly)
        many = HASHES_AT_ONCE + IN_LINE + 5
        crowd = [asyncio.create_task(tries(accounts, "alex", PASSWORD, f"192.0.2.{nth}")) for nth in range(many)]
        told = [await each for each in islice(asyncio.as_completed(crowd), 5)]
        assert told == ["slow_down"] * 5
        newcomer = asyncio.create_task(tries(accounts, "alex", PASSWORD, ELSEWHERE))
        goes_on.set()
        assert await newcomer == "in", "who comes last from a quiet place is not the one who has to go"
        said = await asyncio.gather(*crowd)
        assert said.count("slow_down") in (5, 6)


async def test_first_in_line_is_who_tried_least_lately_then_who_came_last(monkeypatch: pytest.MonkeyPatch) -> None:
    passwords, order = Passwords(), list[str]()
    goes_on = asyncio.Event()

    async def noted(_: object, stored: str, password: str) -> bool:
        await goes_on.wait()
        order.append(password)
        return True

    monkeypatch.setattr(asyncio, "to_thread", noted)
    waiting = [
        asyncio.create_task(passwords.verify("", name, lately))
        for name, lately in (("a", 0), ("b", 0), ("often", 9), ("early", 1), ("late", 1), ("fresh", 0))
    ]
    await asyncio.sleep(0)
    given_up = asyncio.create_task(passwords.verify("", "given up", 0))
    await asyncio.sleep(0)
    given_up.cancel()
    goes_on.set()
    assert await asyncio.gather(*waiting) == [True] * 6
    assert order[2:] == ["fresh", "late", "early", "often"] and set(order[:2]) == {"a", "b"}


async def test_there_is_room_again_after_a_crowd(accounts: Accounts) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    assert await tries(accounts, "alex", PASSWORD) == "in", "afterwards there is room again"


# --- one's own account ---


async def test_alex_changes_name_and_job_and_signs_in_as_before(accounts: Accounts) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "nurse")
    await accounts.rename(made, "Alexandra", "team lead")
    again = await accounts.sign_in("alex", PASSWORD, OFFICE)
    assert again.account.name_and_job == "Alexandra, team lead"
    with pytest.raises(AccountProblem, match="shown"):
        await accounts.rename(made, "\u202e", "")


async def test_a_password_is_changed_by_who_knows_it_and_other_sign_ins_end(
    accounts: Accounts, staff: StaffSessions
) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    here, elsewhere = await staff.open(made.id), await staff.open(made.id)
    other = await staff.check(elsewhere)
    with pytest.raises(SignInProblem, match="wrong"):
        await accounts.confirm(made, "not this one", OFFICE)
    proven = await accounts.confirm(made, PASSWORD, OFFICE)
    with pytest.raises(AccountProblem, match="password"):
        await accounts.change_password(proven, "short", here)
    assert other is not None and await accounts.change_password(proven, ANOTHER, here) == [other.hashed]
    assert await staff.check(here) is not None and await staff.check(elsewhere) is None
    assert await tries(accounts, "alex", PASSWORD) == "wrong" and await tries(accounts, "alex", ANOTHER) == "in"
    with pytest.raises(SignInProblem, match="wrong"):
        await accounts.change_password(proven, "yet four other words", here)


async def test_who_sits_down_at_an_open_browser_cannot_guess_the_password_for_long(accounts: Accounts) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    for _ in range(TRIES_AT_ONCE):
        with pytest.raises(SignInProblem, match="wrong"):
            await accounts.confirm(made, "a guess", OFFICE)
    with pytest.raises(SignInProblem, match="slow_down"):
        await accounts.confirm(made, PASSWORD, OFFICE)


async def test_a_sign_in_that_was_on_its_way_when_the_password_changed_comes_to_nothing(
    accounts: Accounts, keeping: Keeping, staff: StaffSessions
) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    proven = await accounts.sign_in("alex", PASSWORD, OFFICE)
    await keeping.reset(made.id, even_the_last_admin=True)
    with pytest.raises(Conflict):
        await staff.open(made.id, Stage.IN, proven.still)


# --- invited, reset, disabled ---


async def test_kim_is_invited_and_takes_the_account_up_once(accounts: Accounts, keeping: Keeping, clock: Hands) -> None:
    account, token = await keeping.invite("Kim", "nurse", ["worker"])
    found = await accounts.at_link(token)
    assert found is not None and (found.account, found.login, found.state) == (account, None, "link")
    assert await accounts.at_link(token) == found, "looking uses nothing up"
    assert await accounts.called(account.id) == found, "the operator names it by its id until it has a name"
    assert not await accounts.exist()
    with pytest.raises(AccountProblem, match="login_name"):
        await accounts.take_up(token, "k", PASSWORD)
    with pytest.raises(AccountProblem, match="password"):
        await accounts.take_up(token, "kim", "short")
    taken = await accounts.take_up(token, "kim", PASSWORD)
    assert taken.account == account and account.roles == {StaffRole.WORKER}
    assert await tries(accounts, "kim", PASSWORD) == "in"
    assert await accounts.at_link(token) is None and await accounts.at_link("made up") is None
    with pytest.raises(AccountProblem, match="no_link"):
        await accounts.take_up(token, "eve", ANOTHER)


async def test_a_link_that_two_follow_at_once_makes_one_of_them_the_owner(accounts: Accounts, keeping: Keeping) -> None:
    _, token = await keeping.invite("Kim", "", ["worker"])
    made = await asyncio.gather(
        *(accounts.take_up(token, login, PASSWORD) for login in ("kim", "eve")), return_exceptions=True
    )
    [refused] = [each for each in made if isinstance(each, AccountProblem)]
    assert refused.code == "no_link"


async def test_a_name_that_is_taken_leaves_the_link_good(accounts: Accounts, keeping: Keeping) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    _, token = await keeping.invite("Kim", "", ["worker"])
    with pytest.raises(AccountProblem, match="login_taken"):
        await accounts.take_up(token, "Alex", ANOTHER)
    await accounts.take_up(token, "kim", PASSWORD)
    assert await tries(accounts, "alex", PASSWORD) == "in"


async def test_a_link_works_for_a_week_and_a_newer_one_replaces_it(
    accounts: Accounts, keeping: Keeping, clock: Hands
) -> None:
    account, first = await keeping.invite("Kim", "", ["worker"])
    second = await keeping.reset(account.id)
    assert await accounts.at_link(first) is None and await accounts.at_link(second) is not None
    clock.seconds += staff_links.LIVES_FOR / 1000 + 1
    assert await accounts.at_link(second) is None


async def test_an_account_that_was_reset_opens_nothing_until_its_new_link_is_used(
    accounts: Accounts, keeping: Keeping, staff: StaffSessions
) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    kim = await is_invited(accounts, keeping, "kim", StaffRole.WORKER)
    sign_in = await staff.open(kim.id)
    token = await keeping.reset(kim.id)
    assert await staff.check(sign_in) is None and await tries(accounts, "kim", PASSWORD) == "wrong"
    found = await accounts.at_link(token)
    assert found is not None and found.login == "kim" and not found.second_step
    await accounts.take_up(token, "another name is not asked for", ANOTHER)
    assert await tries(accounts, "kim", ANOTHER) == "in"


async def test_a_disabled_account_is_out_at_once_and_back_as_it_was(
    accounts: Accounts, keeping: Keeping, staff: StaffSessions
) -> None:
    await accounts.create("alex", PASSWORD, "Alex", "")
    kim = await is_invited(accounts, keeping, "kim", StaffRole.WORKER)
    sign_in = await staff.open(kim.id)
    proven = await accounts.sign_in("kim", PASSWORD, OFFICE)
    await keeping.disable(kim.id)
    await keeping.disable(kim.id)
    assert await staff.check(sign_in) is None and await accounts.get(kim.id) is None
    assert await tries(accounts, "kim", PASSWORD) == "wrong"
    with pytest.raises(Conflict):
        await staff.open(kim.id, Stage.IN, proven.still)
    with pytest.raises(AccountProblem, match="disabled"):
        await keeping.reset(kim.id)
    await keeping.enable(kim.id)
    assert await accounts.get(kim.id) == kim and await staff.check(sign_in) is None


@pytest.mark.parametrize("roles", [[], ["nurse"], ["admin", ""]])
async def test_an_account_is_for_something_that_there_is(
    accounts: Accounts, keeping: Keeping, roles: list[str]
) -> None:
    made = await accounts.create("alex", PASSWORD, "Alex", "")
    with pytest.raises(AccountProblem, match="roles"):
        await keeping.invite("Kim", "", roles)
    with pytest.raises(AccountProblem, match="roles"):
        await keeping.set_roles(made.id, roles)
    assert [each.account.roles for each in await accounts.all()] == [BOTH]


# --- the last admin ---


async def test_the_last_admin_who_can_sign_in_stays_one(accounts: Accounts, keeping: Keeping) -> None:
    alex = await accounts.create("alex", PASSWORD, "Alex", "")
    await is_invited(accounts, keeping, "kim", StaffRole.WORKER)
    invited, _ = await keeping.invite("Robin", "", ["admin"])
    gone = await is_invited(accounts, keeping, "eve", StaffRole.ADMIN)
    await keeping.disable(gone.id)
    for change in (keeping.disable(alex.id), keeping.set_roles(alex.id, ["worker"]), keeping.reset(alex.id)):
        with pytest.raises(AccountProblem, match="last_admin"):
            await change
    assert await tries(accounts, "alex", PASSWORD) == "in" and await accounts.get(alex.id) == alex
    await keeping.set_roles(alex.id, ["admin"])
    await keeping.disable(invited.id)
    await keeping.enable(gone.id)
    await keeping.disable(alex.id)


@pytest.mark.parametrize("how", ["disable", "roles", "reset"])
async def test_of_two_admins_who_remove_each_other_at_once_one_stays(
    accounts: Accounts, keeping: Keeping, how: str
) -> None:
    alex = await accounts.create("alex", PASSWORD, "Alex", "")
    kim = await is_invited(accounts, keeping, "kim", StaffRole.ADMIN)

    async def remove(other: Account) -> None:
        if how == "disable":
            await keeping.disable(other.id)
        elif how == "roles":
            await keeping.set_roles(other.id, ["worker"])
        else:
            await keeping.reset(other.id)

    made = await asyncio.gather(remove(alex), remove(kim), return_exceptions=True)
    [refused] = [each for each in made if isinstance(each, AccountProblem)]
    assert refused.code == "last_admin"
    admins = [each for each in await accounts.all() if StaffRole.ADMIN in each.account.roles and each.state == "open"]
    assert len(admins) == 1


# --- supervision ---


async def test_robin_supervises_kim_from_one_time_to_another(
    house: Opened, accounts: Accounts, keeping: Keeping, clock: Hands
) -> None:
    supervisions = Supervisions(house.database, clock)
    kim = await is_invited(accounts, keeping, "kim", StaffRole.WORKER)
    robin = await is_invited(accounts, keeping, "robin", StaffRole.SUPERVISOR, StaffRole.WORKER)
    assert await supervisions.begin(robin.id, kim.id) and await supervisions.begin(robin.id, kim.id)
    assert await supervisions.workers_of(robin.id) == [kim.id]
    assert await supervisions.supervisors_of(kim.id) == [robin.id]
    for supervisor, worker in ((kim.id, robin.id), (robin.id, robin.id), (robin.id, "made up")):
        assert not await supervisions.begin(supervisor, worker)
    clock.seconds += 60
    await supervisions.end(robin.id, kim.id)
    assert await supervisions.workers_of(robin.id) == [] == await supervisions.supervisors_of(kim.id)
    assert await supervisions.begin(robin.id, kim.id)
    rows = await house.database.read("SELECT to_at - from_at AS lasted FROM supervisions ORDER BY from_at")
    assert [row["lasted"] for row in rows] == [60_000, None]
