"""What README.md tells a newcomer to type works, from nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.conftest import LONG
from tests.newcomer import INSIDE, Newcomer, commands, users

if TYPE_CHECKING:
    from playwright.async_api import Browser

FULL = LONG and INSIDE not in os.environ
SENT = users() if FULL else users()[:1]


def test_the_readme_has_three_commands() -> None:
    assert commands() == ["make run", "make run PHONE=1", "make test"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("user", SENT)
async def test_from_nothing_to_a_page_turned_in_two_windows(user: str, chromium: Browser) -> None:
    async with Newcomer(user) as newcomer:
        seconds = await newcomer.runs(commands()[0], chromium)
    print(f"{commands()[0]} as {user}, with empty caches: both windows turned a page after {seconds:.0f} s")


if FULL:

    @pytest.mark.timeout(3600)
    @pytest.mark.parametrize("user", SENT)
    async def test_the_tests_are_green_from_nothing_and_again_at_once(user: str) -> None:
        async with Newcomer(user) as newcomer:
            first = await newcomer.tests(commands()[-1])
            again = await newcomer.tests(commands()[-1])
        print(f"{commands()[-1]} as {user}, with empty caches: {first:.0f} s; again: {again:.0f} s")
