"""A laptop that can be closed: a browser of its own, all of whose processes can be stopped and woken, or killed."""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import async_playwright

from tests.browsers import ARGUMENTS, chromium_path, environment_for

if TYPE_CHECKING:
    from playwright.async_api import Browser


class Laptop:
    """While it is closed, nothing may be asked of its `browser`: no answer would come."""

    def __init__(self, browser: Browser, mark: str) -> None:
        self.browser = browser
        self._mark = mark

    def close(self) -> None:
        _tell(self._mark, signal.SIGSTOP)

    def open(self) -> None:
        _tell(self._mark, signal.SIGCONT)


def new_mark() -> str:
    """For the command of a browser, by which its processes can be found."""
    return f"--mark-of-this-laptop={uuid.uuid4().hex}"


def kill(mark: str) -> None:
    """End a browser as an empty battery does."""
    _tell(mark, signal.SIGKILL)


@asynccontextmanager
async def laptop() -> AsyncIterator[Laptop]:
    """Ended afterwards, also when it is closed."""
    program = chromium_path()
    mark = new_mark()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program, args=[*ARGUMENTS, mark], env={**os.environ, **environment_for(program)}
        )
        machine = Laptop(browser, mark)
        try:
            yield machine
        finally:
            machine.open()
            await browser.close()


def _tell(mark: str, what: signal.Signals) -> None:
    for pid in _processes(mark.encode()):
        with suppress(ProcessLookupError):  # One that has ended since needs no telling.
            os.kill(pid, what)


def _processes(mark: bytes) -> list[int]:
    """The marked process and all that came of it."""
    parents = {int(folder.name): _parent(folder) for folder in Path("/proc").iterdir() if folder.name.isdecimal()}
    found = [pid for pid in parents if mark in _command(pid)]
    assert found, "the browser is not running"
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid and child not in found]
    return found


def _parent(folder: Path) -> int:
    try:
        # The name, in brackets, may hold anything: what follows the last bracket is state and parent.
        return int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0  # It has ended since.


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""  # It has ended since.
