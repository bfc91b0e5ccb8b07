"""What all tests share. Everything that needs a browser or the network is imported where it is used: the tests of the
rules start in half a second, and they are started very often (`test_rules_bite.py`).
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

    from tests.house import House
    from tests.visitor import Visitor

LOGGED = re.compile(r"\d{4}-\d\d-\d\d[ T][\d:.]+Z? .*\[")
"""A line of the log, as it looks inside a test's own process."""
LONG = os.environ.get("COPAGE_LONG") == "1"

settings.register_profile("few", max_examples=25, derandomize=True, deadline=None, database=None)
settings.register_profile("short", max_examples=150, derandomize=True, deadline=None, database=None)
settings.register_profile("long", max_examples=3000, deadline=None)
settings.load_profile("long" if LONG else "short")

Amount: TypeAlias = Callable[[int, int], int]
MakeHouse: TypeAlias = "Callable[..., Awaitable[House]]"


@pytest.fixture(scope="session")
def amount() -> Amount:
    """`amount(short, long)`: how often something is tried in `make test` and in `make test-long`."""

    def chosen(short: int, long: int) -> int:
        return long if LONG else short

    return chosen


@pytest.fixture
async def houses() -> AsyncIterator[MakeHouse]:
    """`await houses(COPAGE_NAME_SHOWN="…")`: a running server with empty data of its own, ended after the test."""
    from tests.house import House

    started: list[House] = []
    with tempfile.TemporaryDirectory(prefix="copage-") as folder:

        async def start(**environ: str) -> House:
            house = House(Path(folder) / str(len(started)), environ=environ)
            started.append(house)
            await house.start()
            return house

        yield start
        for house in started:
            await house.stop()


@pytest.fixture(scope="session")
async def house() -> AsyncIterator[House]:
    """One running server that many tests use, each with sessions of its own. Not to be stopped or overloaded."""
    from tests.house import House

    with tempfile.TemporaryDirectory(prefix="copage-") as folder:
        shared = House(Path(folder))
        await shared.start()
        yield shared
        await shared.stop()


@pytest.fixture(scope="session")
async def desk(house: House) -> AsyncIterator[Visitor]:
    """Alex at the desk of `house`, signed in: `await desk.starts_practice()`, `await alex_and_sam(desk)`."""
    from tests.visitor import Visitor

    async with Visitor(house) as alex:
        await alex.makes_account()
        yield alex


@pytest.fixture(scope="session")
async def chromium() -> AsyncIterator[Browser]:
    """The browser. Make a context per person: `await chromium.new_context()`, and close it."""
    from playwright.async_api import async_playwright

    from tests.browsers import ARGUMENTS, chromium_path, environment_for

    program = chromium_path()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=list(ARGUMENTS), env={**os.environ, **environment_for(program)}
        )
        yield browser
        await browser.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what passing tests printed: it is what they measured."""
    printed = [report for report in terminalreporter.getreports("passed") if report.when == "call" and report.capstdout]
    if printed:
        terminalreporter.write_sep("=", "measured")
    for report in printed:
        for line in report.capstdout.splitlines():
            if LOGGED.match(line):
                continue
            terminalreporter.write_line(f"{report.nodeid.rsplit('::', 1)[-1]}: {line}")
