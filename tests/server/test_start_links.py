"""The link that the server prints for its operator: whose it is, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.clock import new_id
from server.identity import Accounts, StartLinks, start_links
from server.ports import Conflict
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble
from tests.hands import Hands
from tests.visitor import PASSWORD


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
    assert await accounts.called("kim") is None, "no link, no account"
    third = await links.make()
    clock.seconds += start_links.LIVES_FOR / 1000 + 1
    assert not await links.works(third, None)
