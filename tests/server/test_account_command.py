"""`python -m server account …`: the way in when nobody can get in, with the server running and without."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.house import House
from tests.visitor import PASSWORD, Visitor

WELCOME = re.compile(r"http://127\.0\.0\.1:\d+(/welcome/[\w-]+)")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Alex's, who is its only admin."""
    house = House(tmp_path)
    await house.start()
    async with Visitor(house) as alex:
        await alex.makes_account()
    yield house
    await house.stop()


async def account(house: House, *arguments: str) -> tuple[int, str]:
    """What the command prints, and its exit status."""
    process = await house.command("account", *arguments)
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode().strip()


async def link_from(house: House, *arguments: str) -> str:
    status, said = await account(house, *arguments)
    found = WELCOME.search(said)
    assert status == 0 and found, said
    return found[1]


async def test_the_operator_invites_disables_and_resets_while_it_serves(house: House) -> None:
    link = await link_from(house, "invite", "--name", "Kim", "--job", "nurse", "--role", "worker", "--role", "admin")
    _, listed = await account(house, "list")
    assert "alex  Alex, nurse  admin,worker  open" in listed.splitlines()
    assert "  Kim, nurse  admin,worker  link" in listed
    async with Visitor(house) as kim:
        await kim.takes_up(link, "kim")
        assert await account(house, "roles", "kim", "worker") == (0, "Roles: worker.")
        assert (await kim.looks_at("/admin")).status_code == 404
        assert (await account(house, "disable", "kim"))[0] == 0
        assert (await kim.looks_at("/account")).headers["location"] == "/sign-in"
        status, said = await account(house, "reset", "kim")
        assert status == 2 and said == "copage: This account is disabled. Enable it first."
        assert (await account(house, "enable", "kim"))[0] == 0
        await kim.signs_in("kim")
        link = await link_from(house, "reset", "kim")
        assert (await kim.looks_at("/account")).headers["location"] == "/sign-in"
        await kim.takes_up(link, "")
        assert (await kim.looks_at("/account")).status_code == 200


async def test_the_last_admin_stays_and_can_be_let_in_again(house: House) -> None:
    for order in (("disable", "alex"), ("roles", "alex", "worker")):
        status, said = await account(house, *order)
        assert status == 2 and said == "copage: This is the last admin who can sign in. Make another one first."
    async with Visitor(house) as alex:
        await alex.takes_up(await link_from(house, "reset", "alex"), "")
        assert (await alex.looks_at("/admin")).status_code == 200


async def test_with_nobody_serving_it_is_done_here(house: House) -> None:
    await house.stop()
    assert (await account(house, "disable", "alex"))[0] == 2
    link = await link_from(house, "invite", "--name", "Kim", "--role", "admin")
    await house.start()
    async with Visitor(house) as kim:
        await kim.takes_up(link, "kim")
        await house.stop()
        assert (await account(house, "disable", "alex"))[0] == 0
        await house.start()
        assert (await kim.sends("/sign-in", login="alex", password=PASSWORD)).status_code == 422


async def test_what_cannot_be_done_is_one_line(house: House) -> None:
    status, said = await account(house, "disable", "nobody")
    assert status == 2 and said == "copage: There is no account 'nobody'. See: account list"
    status, said = await account(house, "invite", "--name", " ", "--role", "worker")
    assert status == 2 and said.startswith("copage: Give a name") and "\n" not in said
    for wrong in (("invite", "--name", "Kim"), ("roles", "alex"), ("roles", "alex", "nurse"), ("dance",), ()):
        assert (await account(house, *wrong))[0] == 2
