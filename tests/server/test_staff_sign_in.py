"""Sign-ins: for how long they last, how far they have come, and what ends them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import new_id
from server.identity import StaffSessions, Stage, staff_cookie
from server.identity.tickets import SIGNED_IN_FOR
from server.ports import Statement
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble
from tests.hands import Hands

IDLE_MINUTES = 15
IDLE_SECONDS = IDLE_MINUTES * 60


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Opened]:
    async with open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble) as opened:
        yield opened


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def sessions(house: Opened, clock: Hands) -> StaffSessions:
    return StaffSessions(house.database, clock, IDLE_MINUTES)


async def whose(sessions: StaffSessions, token: str | None) -> str | None:
    sign_in = await sessions.check(token)
    return sign_in.account if sign_in else None


async def test_a_sign_in_ends_when_it_is_closed_or_idle_or_a_day_old(sessions: StaffSessions, clock: Hands) -> None:
    first, second = await sessions.open("alex"), await sessions.open("alex")
    assert await whose(sessions, first) == "alex"
    assert await sessions.close(first) is not None
    assert await whose(sessions, first) is None and await sessions.close(first) is None
    for _ in range(SIGNED_IN_FOR // 1000 // IDLE_SECONDS):
        assert await whose(sessions, second) == "alex", "in use, so it goes on"
        clock.seconds += IDLE_SECONDS
    third = await sessions.open("kim")
    clock.seconds += IDLE_SECONDS + 1
    assert await whose(sessions, second) is None, "its day is over"
    assert await whose(sessions, third) is None, "nobody was there"
    clock.seconds += 60
    await sessions.open("alex")
    assert await whose(sessions, third) is None, "what has ended stays so"
    assert await whose(sessions, None) is None and await whose(sessions, "made up") is None


async def test_a_sign_in_outlives_a_new_start_of_the_server(house: Opened, clock: Hands) -> None:
    token = await StaffSessions(house.database, clock, IDLE_MINUTES).open("alex")
    after = StaffSessions(house.database, clock, IDLE_MINUTES)
    clock.seconds += IDLE_SECONDS + 1
    assert await whose(after, token) == "alex"
    clock.seconds += SIGNED_IN_FOR / 1000
    assert await whose(after, token) is None


async def test_to_ask_how_long_is_not_to_use_it(sessions: StaffSessions, clock: Hands) -> None:
    token = await sessions.open("alex")
    clock.seconds += 600
    assert [await sessions.idle_left(token) for _ in range(2)] == [IDLE_SECONDS - 600] * 2
    clock.seconds += 301
    assert await sessions.idle_left(token) is None and await whose(sessions, token) is None


async def test_at_the_end_of_the_day_there_is_as_much_left_as_of_the_day(sessions: StaffSessions, clock: Hands) -> None:
    token = await sessions.open("alex")
    while clock.wall() - 1_000_000_000 < SIGNED_IN_FOR - 100_000:
        clock.seconds += 50
        assert await whose(sessions, token) == "alex"
    assert await sessions.idle_left(token) == 100


async def test_a_live_session_is_not_idleness_and_revives_nothing(sessions: StaffSessions, clock: Hands) -> None:
    token = await sessions.open("alex")
    sign_in = await sessions.check(token)
    assert sign_in is not None
    for _ in range(4):
        clock.seconds += IDLE_SECONDS
        sessions.used(sign_in.hashed)
    assert await sessions.idle_left(token) == IDLE_SECONDS
    clock.seconds += IDLE_SECONDS + 1
    sessions.used(sign_in.hashed)
    assert await whose(sessions, token) is None


async def test_signed_out_everywhere_but_here(sessions: StaffSessions) -> None:
    here, elsewhere, kim = await sessions.open("alex"), await sessions.open("alex"), await sessions.open("kim")
    other = await sessions.check(elsewhere)
    assert other is not None and await sessions.close_all("alex", but=here) == [other.hashed]
    assert [await whose(sessions, token) for token in (here, elsewhere, kim)] == ["alex", None, "kim"]
    assert len(await sessions.close_all("alex")) == 1
    assert await whose(sessions, here) is None


@pytest.mark.parametrize("stage", [Stage.CODE, Stage.SET_UP])
async def test_each_stage_has_a_cookie_of_its_own_and_the_one_before_is_dead(
    sessions: StaffSessions, stage: Stage
) -> None:
    first = await sessions.open("alex", stage)
    sign_in = await sessions.check(first)
    assert sign_in is not None and sign_in.stage is stage
    other = Stage.CODE if stage is Stage.SET_UP else Stage.SET_UP
    assert await sessions.advance(first, other) is None
    unfit = Statement("UPDATE accounts SET totp = NULL WHERE id = 'nobody'", rows=1)
    assert await sessions.advance(first, stage, unfit) is None
    second = await sessions.advance(first, stage)
    complete = await sessions.check(second)
    assert complete is not None and (complete.account, complete.stage) == ("alex", Stage.IN)
    assert second != first and await whose(sessions, first) is None
    assert await sessions.advance(first, stage) is None


def test_over_https_no_other_host_can_put_a_cookie_of_its_own_there() -> None:
    assert staff_cookie(True).startswith("__Host-") and staff_cookie(False) == "copage_staff"
