"""Somebody who has a clone, README.md and nothing else: no virtual environment, no cache, no account on the server."""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING

from tests.house import START_LINK, free_port
from tests.mutations import TOP
from tests.waiting import until

if TYPE_CHECKING:
    from playwright.async_api import Browser, Locator, Page

INSIDE = "COPAGE_INSIDE_NEWCOMER"
"""Set in the environment of a newcomer's own tests, so that they do not send out newcomers for ever."""
PATIENCE = 300.0
"""Seconds from `make run` to the link, on a slow line."""
CHOICES = "form[data-copage=turn] button[name=page], a[data-page]"


def commands() -> list[str]:
    """The commands that README.md tells a newcomer to type, in their order."""
    readme = (TOP / "README.md").read_text(encoding="utf-8")
    part = readme.partition("\n## Try it\n")[2].partition("\n## ")[0]
    return [line for block in re.findall(r"```\n(.*?)```", part, re.DOTALL) for line in block.splitlines()]


def users() -> list[str]:
    """Who can be sent: oneself, and an ordinary user where one may become one."""
    me = pwd.getpwuid(os.getuid()).pw_name
    return [me, "nobody"] if os.getuid() == 0 else [me]


class Newcomer:
    """A fresh clone of what is committed, in the hands of `user`. Use as an async context; leaves nothing behind."""

    def __init__(self, user: str) -> None:
        self.account = pwd.getpwnam(user)
        self.home = Path(tempfile.mkdtemp(prefix="copage-"))
        self.clone = self.home / "copage"
        self.output = ""
        self.address = f"http://127.0.0.1:{free_port()}"

    async def __aenter__(self) -> Newcomer:
        # Without --no-hardlinks, giving the clone away would give our own repository away.
        subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", str(TOP), str(self.clone)], check=True)
        for name in ("pip", "npm", "temporary"):
            (self.home / name).mkdir()
        if self.account.pw_uid != os.getuid():
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, self.account.pw_uid, self.account.pw_gid, follow_symlinks=False)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await asyncio.to_thread(shutil.rmtree, self.home)

    async def runs(self, command: str, browser: Browser) -> float:
        """Type `command`, wait for the link, follow it, turn a page in both windows. Gives the seconds that took."""
        began = time.monotonic()
        process = await self._types(command, PORT=self.address.rpartition(":")[2])
        reader = asyncio.create_task(self._read(process))
        try:
            await until(lambda: self._has_link(process), "the link", PATIENCE)
            await turn_a_page_in_both_windows(browser, START_LINK.findall(self.output)[-1])
            return time.monotonic() - began
        finally:
            if process.returncode is None:
                os.killpg(process.pid, signal.SIGTERM)
            await process.wait()
            await reader

    async def tests(self, command: str) -> float:
        """Type `command`, which has to be green and to end with pytest's line. Gives the seconds that took."""
        began = time.monotonic()
        process = await self._types(command, **{INSIDE: "1"})
        await asyncio.gather(process.wait(), self._read(process))
        assert process.returncode == 0, self.output[-6000:]
        last = self.output.rstrip().splitlines()[-1]
        assert re.search(r"\d+ passed.* in ", last), last
        return time.monotonic() - began

    async def _types(self, command: str, **more: str) -> asyncio.subprocess.Process:
        self.output = ""
        other = self.account.pw_uid != os.getuid()
        return await asyncio.create_subprocess_exec(
            "sh",
            "-c",
            f"exec {command}",
            cwd=self.clone,
            env=self._environment() | more,
            user=self.account.pw_uid if other else None,
            group=self.account.pw_gid if other else None,
            extra_groups=[] if other else None,
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    def _environment(self) -> dict[str, str]:
        """This machine's ways to its package indexes, and nothing of this checkout or its caches."""
        left_out = ("COPAGE_", "DATABASE_URL", "PORT", "PYTEST_", "VIRTUAL_ENV", "PYTHON", "MAKE", "MFLAGS", "XDG_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        own = str(Path(sys.executable).parent)
        path = [folder for folder in kept.get("PATH", "").split(os.pathsep) if folder != own]
        return {
            **kept,
            **_package_indexes(),
            "PATH": os.pathsep.join(path),
            "HOME": str(self.home),
            "TMPDIR": str(self.home / "temporary"),
            "PIP_CACHE_DIR": str(self.home / "pip"),
            "npm_config_cache": str(self.home / "npm"),
        }

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while piece := await process.stdout.read(65536):
            self.output += piece.decode(errors="replace")

    def _has_link(self, process: asyncio.subprocess.Process) -> bool:
        assert process.returncode is None, f"it ended:\n{self.output[-6000:]}"
        return bool(START_LINK.search(self.output))


def _package_indexes() -> dict[str, str]:
    """Where our own account's settings of pip and npm say that packages are: another account has to use the same."""
    found = {}
    listed = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True
    ).stdout
    for key, value in re.findall(r"^(?:global|install)\.([\w-]+)='(.*)'$", listed, re.MULTILINE):
        found[f"PIP_{key.upper().replace('-', '_')}"] = value.replace("\\n", " ")
    for key in ("registry", "cafile"):
        run = subprocess.run(["npm", "config", "get", key], capture_output=True, text=True, check=False)
        value = run.stdout.strip()
        if value and value != "null":
            found[f"npm_config_{key}"] = value
    return found


async def turn_a_page_in_both_windows(browser: Browser, link: str) -> None:
    """Follow the one-time link to *Practice*, open both windows, and turn a page in each: both have to show it."""
    context = await browser.new_context()
    try:
        desk = await context.new_page()
        await desk.goto(link)
        await desk.locator("form[action$='/practice'] button").click()
        doors = desk.locator("a[href*='/s/']")
        await doors.nth(1).wait_for()
        worker, person = await _opens(doors.nth(0)), await _opens(doors.nth(1))
        await _turns(worker, person)
        await _turns(person, worker)
    finally:
        await context.close()


async def _opens(door: Locator) -> Page:
    """The window of a session that a link of the practice page opens. It does not ask for a tap first."""
    async with door.page.context.expect_page() as opened:
        await door.click()
    window = await opened.value
    await window.locator("[data-copage=state][data-state=live]").wait_for()
    return window


async def _turns(one: Page, other: Page) -> None:
    """Somebody opens the first page offered that is not open, and it opens in both windows."""
    here = await one.locator("article[data-page]").get_attribute("data-page")
    for choice in await one.locator(CHOICES).all():
        page = await choice.get_attribute("data-page") or await choice.get_attribute("value")
        if page != here and await choice.is_visible():
            await choice.click()
            for window in (one, other):
                await window.locator(f"article[data-page='{page}']").wait_for()
            return
    raise AssertionError("no other page is offered")
