"""Whose room it is: who is in its team from when to when, what it is called, and how long it lasts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.identity import LastMember
from server.ports import Statement
from server.store.problems import Tampered
from tests.server.records import Records, records


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Records]:
    """A house with a room of Alex's, in which a session is prepared."""
    async with records(tmp_path) as house:
        await house.session()
        await house.teams.add("room", "alex", lead=True)
        yield house


async def rooms_of(house: Records, account: str) -> list[str]:
    return [room.id for room in await house.teams.rooms_of(account)]


# --- who may see it ---


async def test_a_room_is_there_for_its_team_and_for_nobody_else(house: Records) -> None:
    assert await rooms_of(house, "alex") == ["room"] and await rooms_of(house, "kim") == []
    assert await house.teams.room_of("room", "alex") is not None
    assert await house.teams.room_of("room", "kim") is None
    assert await house.teams.room_of("no such room", "kim") is None


async def test_kim_sees_the_room_from_the_day_she_comes_to_the_day_she_goes(house: Records) -> None:
    house.clock.seconds += 60
    await house.teams.add("room", "kim")
    came = house.clock.wall()
    assert await rooms_of(house, "kim") == ["room"]
    house.clock.seconds += 60
    await house.teams.remove("room", "kim")
    assert await rooms_of(house, "kim") == [] and await house.teams.room_of("room", "kim") is None
    [alex, kim] = await house.teams.members("room")
    assert (kim.account, kim.lead, kim.from_at, kim.to_at) == ("kim", False, came, house.clock.wall())
    assert [member.account for member in await house.teams.current("room")] == ["alex"]
    house.clock.seconds += 60
    await house.teams.add("room", "kim")
    assert await rooms_of(house, "kim") == ["room"], "and again"
    assert alex.to_at is None and len(await house.teams.members("room")) == 3


async def test_coming_twice_is_nothing_new(house: Records) -> None:
    for _ in range(2):
        await house.teams.add("room", "kim")
    await house.teams.remove("room", "kim")
    await house.teams.add("room", "kim")
    assert [member.account for member in await house.teams.current("room")] == ["alex", "kim"]
    assert len(await house.teams.members("room")) == 2, "who goes and comes in one moment was never away"


async def test_the_last_member_stays(house: Records) -> None:
    with pytest.raises(LastMember):
        await house.teams.remove("room", "alex")
    assert await rooms_of(house, "alex") == ["room"]


async def test_of_two_who_are_taken_out_at_once_one_stays(house: Records) -> None:
    await house.teams.add("room", "kim")
    removing = (house.teams.remove("room", account) for account in ("alex", "kim"))
    outcomes = await asyncio.gather(*removing, return_exceptions=True)
    assert sorted(str(type(outcome).__name__) for outcome in outcomes) == ["LastMember", "NoneType"]
    assert len(await house.teams.current("room")) == 1


async def test_a_room_has_one_lead(house: Records) -> None:
    await house.teams.add("room", "kim")
    await house.teams.lead("room", "kim")
    assert {member.account: member.lead for member in await house.teams.current("room")} == {"alex": False, "kim": True}


async def test_the_admins_list_has_every_room_with_a_team_and_no_practice(house: Records) -> None:
    await house.store.create("practice", house.clock.wall())
    assert [room.id for room in await house.teams.all_rooms()] == ["room"]


# --- what is shown of it ---


async def test_rooms_used_last_stand_first_and_say_when_and_what_comes_next(house: Records) -> None:
    house.clock.seconds += 60
    soon = house.clock.wall() + 3600 * 1000
    for planned_at in (soon + 1, soon):
        await house.session(f"planned for {planned_at}", "another", planned_at)
    await house.teams.add("another", "alex")
    first, second = await house.teams.rooms_of("alex")
    assert (first.id, first.last_at, first.next_at) == ("another", None, soon)
    assert (second.id, second.next_at) == ("room", None)
    await house.database.write(Statement("UPDATE rooms SET last_at = $1 WHERE id = 'room'", (soon,), rows=1))
    assert await rooms_of(house, "alex") == ["room", "another"]


async def test_a_room_is_called_what_its_team_calls_it(house: Records) -> None:
    assert await house.teams.name_room("room", "  Wednesdays\u202e ")
    room = await house.teams.room_of("room", "alex")
    assert room is not None and room.label == "Wednesdays" and "Wednesdays" not in repr(room)
    for unreadable in ("", "\u200b", "x" * 41):
        assert not await house.teams.name_room("room", unreadable)
    assert await house.teams.name_room("room", "Thursdays")
    room = await house.teams.get("room")
    assert room is not None and room.label == "Thursdays"
    assert not await house.teams.name_room("no such room", "Fridays")


async def test_a_label_opens_under_its_own_rooms_key_only(house: Records) -> None:
    await house.session("another", "another")
    for room in ("room", "another"):
        await house.teams.name_room(room, f"What they call {room}")
    moving = "UPDATE rooms SET sealed = (SELECT sealed FROM rooms WHERE id = 'another') WHERE id = 'room'"
    await house.database.write(Statement(moving, rows=1))
    with pytest.raises(Tampered):
        await house.teams.get("room")


# --- how long it lasts ---


async def test_a_room_with_a_label_stays_when_its_last_session_goes_se7(house: Records) -> None:
    await house.teams.name_room("room", "Wednesdays")
    await house.store.destroy("session", house.clock.wall())
    room = await house.teams.room_of("room", "alex")
    assert room is not None and room.label == "Wednesdays"
    await house.teams.let_go("room")
    assert await house.teams.get("room") is None, "the label was all that kept it"
    assert await house.database.read("SELECT account FROM members") == []


async def test_a_room_without_a_label_goes_with_its_last_session_se7(house: Records) -> None:
    await house.session("another")
    await house.store.destroy("session", house.clock.wall())
    assert await rooms_of(house, "alex") == ["room"]
    await house.store.destroy("another", house.clock.wall())
    assert await house.teams.get("room") is None
    assert await house.database.read("SELECT account FROM members") == []


async def test_a_label_that_is_taken_away_leaves_the_room_to_its_sessions_se7(house: Records) -> None:
    await house.teams.name_room("room", "Wednesdays")
    await house.teams.let_go("room")
    room = await house.teams.room_of("room", "alex")
    assert room is not None and room.label == ""
    [row] = await house.database.read("SELECT key, sealed FROM rooms")
    assert row == {"key": None, "sealed": None}
    await house.store.destroy("session", house.clock.wall())
    assert await rooms_of(house, "alex") == []
