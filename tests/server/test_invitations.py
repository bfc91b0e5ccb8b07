"""A link from the moment it is made until nobody remembers it: what it says, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.identity.invitations import KNOWN_FOR, OPENS_BEFORE
from tests.server.records import Records, records


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Records]:
    async with records(tmp_path) as house:
        yield house


async def test_looking_at_a_link_uses_nothing_up_dr2(house: Records) -> None:
    link = await house.session()
    before = await house.database.read("SELECT * FROM invitations")
    for _ in range(20):
        found = await house.invitations.look(link)
        assert found is not None and (found.state, found.session, found.account) == ("open", "session", "alex")
    assert await house.database.read("SELECT * FROM invitations") == before
    assert await house.invitations.look("made up") is None


async def test_a_link_carries_128_bits_or_more_and_is_shown_again_until_it_is_used(house: Records) -> None:
    link = await house.session()
    assert len(link) * 6 >= 128
    assert await house.invitations.current("session") == link
    await house.admits(await house.knocks(link), link)
    assert await house.invitations.current("session") is None


async def test_a_link_is_early_until_a_quarter_of_an_hour_before(house: Records) -> None:
    planned_at = house.clock.wall() + 3600 * 1000
    link = await house.session(planned_at=planned_at)
    assert await house.link_state(link) == "early"
    house.clock.seconds = (planned_at - OPENS_BEFORE) / 1000 - 1
    assert await house.link_state(link) == "early"
    house.clock.seconds += 1
    assert await house.link_state(link) == "open"


async def test_a_worker_who_opens_the_session_before_its_time_opens_its_link(house: Records) -> None:
    link = await house.session(planned_at=house.clock.wall() + 3600 * 1000)
    await house.marks("session", "opened")
    assert await house.link_state(link) == "open"


async def test_a_newer_link_takes_the_place_of_one_that_nobody_used(house: Records) -> None:
    first = await house.session()
    second = await house.invitations.make("room", "session")
    assert [await house.link_state(link) for link in (first, second)] == ["revoked", "open"]
    await house.admits(await house.knocks(second), second)
    third = await house.invitations.make("room", "session")
    assert [await house.link_state(link) for link in (first, second, third)] == ["revoked", "used", "open"]


async def test_a_link_that_was_taken_back_says_so_and_is_not_shown_any_more(house: Records) -> None:
    link, other = await house.session(), await house.session("another")
    await house.invitations.revoke("session")
    assert await house.link_state(link) == "revoked" and await house.invitations.current("session") is None
    assert await house.link_state(other) == "open"


@pytest.mark.parametrize("before", ["open", "used", "revoked"])
async def test_a_link_is_over_with_its_session_whatever_it_was_before(house: Records, before: str) -> None:
    link = await house.session()
    if before == "used":
        await house.admits(await house.knocks(link), link)
    if before == "revoked":
        await house.invitations.revoke("session")
    assert await house.link_state(link) == before
    await house.marks("session", "ended")
    assert await house.link_state(link) == "over"
    await house.store.destroy("session", house.clock.wall())
    assert await house.link_state(link) == "over"


async def test_a_link_is_over_for_thirty_days_and_then_as_if_it_had_never_been(house: Records) -> None:
    link, other = await house.session(), await house.session("another")
    await house.store.destroy("session", house.clock.wall())
    house.clock.seconds += KNOWN_FOR / 1000
    await house.invitations.forget_old()
    assert await house.link_state(link) == "over"
    house.clock.seconds += 1
    assert await house.link_state(link) is None, "also before anybody has swept"
    assert len(await house.database.read("SELECT hash FROM invitations")) == 2
    await house.invitations.forget_old()
    assert len(await house.database.read("SELECT hash FROM invitations")) == 1
    assert await house.link_state(other) == "open", "however old, while its session is there"


async def test_with_its_session_the_text_of_a_link_goes_and_only_its_hash_stays(house: Records) -> None:
    await house.session()
    [row] = await house.database.read("SELECT sealed FROM invitations")
    assert row["sealed"] != b""
    await house.store.destroy("session", house.clock.wall())
    [row] = await house.database.read("SELECT sealed FROM invitations")
    assert row["sealed"] == b"" and await house.invitations.current("session") is None
