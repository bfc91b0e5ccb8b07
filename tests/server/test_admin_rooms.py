"""What an admin says of rooms: who is in the team of each. Of its sessions an admin sees nothing."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.inside import Inside, inside_of
from tests.visitor import Visitor


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    async with inside_of(tmp_path) as inside:
        yield inside


@pytest.fixture
async def alex(inside: Inside) -> AsyncIterator[Visitor]:
    """An admin and a worker, with one room."""
    async with await inside.alex() as alex:
        yield alex


@pytest.fixture
async def about(inside: Inside, alex: Visitor) -> str:
    """The admin's page about Alex's room, in which Sam is at the door."""
    room = await alex.starts_room()
    await alex.sends(f"{room}/label", label="Fridays")
    async with inside.visitor() as device:
        await device.knocks(await alex.link_of(room), "Sam Zaunkönig")
    return room.replace("/desk/", "/admin/")


async def is_invited(admin: Visitor, name: str, *roles: str) -> str:
    """A colleague's account, by its id."""
    await admin.invites(name, "", *roles)
    found = re.search(rf'/admin/accounts/([\w-]+)"><strong>{name}', (await admin.looks_at("/admin")).text)
    assert found
    return found[1]


async def team(admin: Visitor, about: str) -> list[str]:
    """The names in the team; the lead's with a star."""
    cards = re.findall(r'<h3 id="t\d+">(.*?)</h3>(.*?)</section>', (await admin.looks_at(about)).text, re.DOTALL)
    return [name + "*" * ("Leads the team." in rest) for name, rest in cards]


async def test_an_admin_sees_rooms_and_teams_and_nobody_who_is_in_them(alex: Visitor, about: str) -> None:
    assert "Fridays" in (await alex.looks_at("/admin/rooms")).text
    assert await team(alex, about) == ["Alex, nurse*"]
    for address in ("/admin/rooms", about):
        page = (await alex.looks_at(address)).text
        assert "Sam Zaunkönig" not in page and "/join/" not in page and "/arrivals/" not in page


async def test_kim_is_put_into_the_team_made_its_lead_and_stays_when_alex_goes(alex: Visitor, about: str) -> None:
    kim = await is_invited(alex, "Kim", "worker")
    for _ in range(2):
        assert (await alex.sends(f"{about}/add", account=kim)).headers["location"] == about
    assert await team(alex, about) == ["Alex, nurse*", "Kim"]
    await alex.sends(f"{about}/lead", account=kim)
    assert await team(alex, about) == ["Alex, nurse", "Kim*"]
    found = re.search(r'/admin/accounts/([\w-]+)"><strong>Alex', (await alex.looks_at("/admin")).text)
    assert found
    await alex.sends(f"{about}/remove", account=found[1])
    assert await team(alex, about) == ["Kim*"]
    assert (await alex.looks_at(about.replace("/admin/", "/desk/"))).status_code == 404
    last = await alex.sends(f"{about}/remove", account=kim)
    assert last.status_code == 422 and await team(alex, about) == ["Kim*"]


async def test_only_a_worker_can_be_in_a_team(alex: Visitor, about: str) -> None:
    robin = await is_invited(alex, "Robin", "supervisor")
    assert f'value="{robin}"' not in (await alex.looks_at(about)).text
    for form in ("add", "lead"):
        for account in (robin, "nobody"):
            assert (await alex.sends(f"{about}/{form}", account=account)).status_code == 422
    assert await team(alex, about) == ["Alex, nurse*"]


async def test_who_is_no_admin_has_no_such_pages(inside: Inside, alex: Visitor, about: str) -> None:
    kim = await is_invited(alex, "Kim", "admin")
    async with inside.visitor() as visitor:
        await visitor.takes_up(await alex.invites("Noor", "", "worker"), "noor")
        for address in ("/admin/rooms", about):
            assert (await visitor.looks_at(address)).status_code == 404
        for form in ("add", "remove", "lead"):
            assert (await visitor.sends(f"{about}/{form}", account=kim)).status_code == 404
    assert (await alex.looks_at("/admin/rooms/none")).status_code == 404
    assert await team(alex, about) == ["Alex, nurse*"]
