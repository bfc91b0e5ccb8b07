"""The second step: each code once, in its time, and not by guessing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pyotp
import pytest

from server.clock import new_id
from server.identity import Account, Accounts, SecondSteps, SignInProblem
from server.identity.codes import LETTERS
from server.identity.second_step import RECOVERY_CODES, RECOVERY_LENGTH, clean_code
from server.identity.tries import TRIES_AT_ONCE, TRY_EVERY
from server.ports import Conflict
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble
from tests.hands import Hands

PASSWORD = "four words in a row"
OFFICE = "192.0.2.7"


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
def steps(house: Opened, clock: Hands) -> SecondSteps:
    return SecondSteps(house.database, house.vault, clock)


class Phone:
    """Alex's app, and the paper with the recovery codes."""

    def __init__(self, house: Opened, steps: SecondSteps, clock: Hands, alex: Account, secret: str) -> None:
        self._house = house
        self._steps = steps
        self._clock = clock
        self._alex = alex
        self.app = pyotp.TOTP(secret)
        self.paper: Sequence[str] = ()

    def code(self, seconds: int = 0) -> str:
        """What the app shows now, or showed or will show `seconds` from now."""
        return self.app.at(int(self._clock.seconds) + seconds)

    async def gives(self, code: str, peer: str = OFFICE) -> str:
        """ "in", or why not."""
        try:
            await self._house.database.write(await self._steps.using(self._alex, code, peer))
        except SignInProblem as problem:
            return problem.code
        except Conflict:
            return "used"
        self._steps.forget(self._alex)
        return "in"


@pytest.fixture
async def phone(house: Opened, accounts: Accounts, steps: SecondSteps, clock: Hands) -> Phone:
    alex = await accounts.create("alex", PASSWORD, "Alex", "")
    secret = steps.new_secret()
    phone = Phone(house, steps, clock, alex, secret)
    proven = await accounts.confirm(alex, PASSWORD, OFFICE)
    codes = await steps.set_up(alex, secret, phone.code(), proven.still)
    assert codes is not None
    phone.paper = codes
    return phone


async def test_each_code_of_the_app_signs_in_once(phone: Phone, clock: Hands) -> None:
    assert await phone.gives(phone.code()) == "used", "it confirmed the setting up"
    clock.seconds += 60
    shown = phone.code()
    assert await phone.gives(shown) == "in"
    assert await phone.gives(shown) == "used"
    assert await phone.gives(phone.code(-30)) == "used", "an earlier one, either"
    clock.seconds += 30
    assert await phone.gives(phone.code()) == "in"


async def test_one_code_given_twice_at_once_signs_in_once(phone: Phone, clock: Hands) -> None:
    clock.seconds += 60
    said = await asyncio.gather(*(phone.gives(phone.code()) for _ in range(4)))
    assert sorted(said) == ["in", "used", "used", "used"]


@pytest.mark.parametrize(("off", "said"), [(-60, "wrong"), (-30, "in"), (0, "in"), (30, "in"), (60, "wrong")])
async def test_a_phone_may_be_one_step_early_or_late(phone: Phone, clock: Hands, off: int, said: str) -> None:
    clock.seconds += 300
    assert await phone.gives(phone.code(off)) == said


async def test_each_recovery_code_works_once_however_it_is_typed(phone: Phone, steps: SecondSteps) -> None:
    assert len(set(phone.paper)) == RECOVERY_CODES
    assert len(LETTERS) ** RECOVERY_LENGTH >= 2**50
    first, second = phone.paper[:2]
    assert await phone.gives(f" {first.lower().replace('-', ' ')} ") == "in"
    assert await phone.gives(first) == "wrong"
    said = await asyncio.gather(*(phone.gives(second) for _ in range(4)))
    assert said.count("in") == 1
    assert await phone.gives("00000-00000") == "wrong" and await phone.gives("") == "wrong"
    assert clean_code("oilu-OILU") == "011V011V"


async def test_codes_are_not_found_by_guessing_from_many_places(phone: Phone, clock: Hands) -> None:
    said = [await phone.gives("12345" + str(place), f"192.0.2.{place}") for place in range(TRIES_AT_ONCE + 2)]
    assert said == ["wrong"] * TRIES_AT_ONCE + ["slow_down"] * 2
    assert await phone.gives(phone.paper[0]) == "slow_down", "nor are recovery codes"
    clock.seconds += TRY_EVERY
    assert await phone.gives(phone.paper[0]) == "in"
    assert await phone.gives(phone.paper[1]) == "in", "after a right one nobody waits"


async def test_what_is_stored_gives_no_code_away(house: Opened, phone: Phone) -> None:
    rows = await house.database.read("SELECT * FROM accounts")
    stored = repr(rows) + repr(await house.database.read("SELECT * FROM recovery_codes"))
    assert phone.app.secret not in stored
    assert not any(clean_code(code) in stored or code in stored for code in phone.paper)


async def test_a_secret_travels_sealed_and_for_one_account_only(accounts: Accounts, steps: SecondSteps) -> None:
    alex, kim = [await accounts.create(login, PASSWORD, login, "") for login in ("alex", "kim")]
    secret = steps.new_secret()
    wrapped = steps.wrapped(alex, secret)
    assert secret not in wrapped and steps.unwrapped(alex, wrapped) == secret
    for other in (steps.unwrapped(kim, wrapped), steps.unwrapped(alex, wrapped[:-8]), steps.unwrapped(alex, "ä")):
        assert other is None


async def test_who_has_only_begun_to_sign_in_does_not_replace_a_second_step(
    house: Opened, accounts: Accounts, steps: SecondSteps, phone: Phone
) -> None:
    alex = (await accounts.sign_in("alex", PASSWORD, OFFICE)).account
    secret = steps.new_secret()
    made = steps.setting_up(alex, secret, phone.code(), replacing=False)
    assert made is None, "a code of another app"
    made = steps.setting_up(alex, secret, Phone(house, steps, phone._clock, alex, secret).code(), replacing=False)
    assert made is not None
    with pytest.raises(Conflict):
        await house.database.write(*made[1])
    assert await steps.recovery_codes_left(alex) == RECOVERY_CODES and await phone.gives(phone.paper[0]) == "in"


async def test_another_app_takes_the_place_of_the_first_and_off_is_off(
    house: Opened, accounts: Accounts, steps: SecondSteps, phone: Phone, clock: Hands
) -> None:
    proven = await accounts.sign_in("alex", PASSWORD, OFFICE)
    assert proven.second_step
    secret = steps.new_secret()
    newer = Phone(house, steps, clock, proven.account, secret)
    assert await steps.set_up(proven.account, secret, "000000", proven.still) is None
    codes = await steps.set_up(proven.account, secret, newer.code(), proven.still)
    assert codes is not None
    clock.seconds += 60
    assert await phone.gives(phone.code()) == "wrong" and await phone.gives(phone.paper[0]) == "wrong"
    assert await newer.gives(newer.code()) == "in"
    assert await steps.switch_off(proven.account, proven.still)
    assert await newer.gives(newer.code(30)) == "wrong" and await newer.gives(codes[0]) == "wrong"
    assert not (await accounts.sign_in("alex", PASSWORD, OFFICE)).second_step
