"""The product as people run it: a process of its own, a data folder and an address."""

from __future__ import annotations

import asyncio
import os
import random
import re
import signal
import socket
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from server.control import ask
from tests.mutations import TOP
from tests.waiting import until

START_LINK = re.compile(r"https?://\S+/start/[\w-]+")


def free_port() -> int:
    """A port nobody listens on at this moment.

    From below those that the system gives to outgoing connections: one of these could take it while the server that
    listens on it is being started again.
    """
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


class House:
    """One server process on `data`. It can be stopped, killed and started again on the same data and address.

    With `phone`, it is what `make run PHONE=1` starts, in a network that is this machine alone.
    """

    def __init__(
        self,
        data: Path,
        tree: Path = TOP,
        port: int | None = None,
        environ: Mapping[str, str] | None = None,
        *,
        phone: bool = False,
    ) -> None:
        self.data = data
        self.tree = tree
        self.port = port or free_port()
        self.environ = {"COPAGE_DATA": str(data), "PORT": str(self.port), "COPAGE_LANGUAGE": "en", **(environ or {})}
        # Behind a proxy, people and the server's own links use the proxy's address.
        scheme = "https" if phone else "http"
        self.url = self.environ.get("COPAGE_PUBLIC_URL", f"{scheme}://127.0.0.1:{self.port}")
        self.phone = phone
        self.output = ""
        self.process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the server and come back when it answers.

        Raises:
            AssertionError: it ended, or was not ready in 20 s; with all it printed.
        """
        self.process = await self.command("serve", *["--phone"] * self.phone)
        self._reader = asyncio.create_task(self._read(self.process))
        await until(self._ready, "the server", 20)

    async def command(self, *arguments: str) -> asyncio.subprocess.Process:
        """Start `python -m server …` with this house's settings; what it prints is in its `stdout`."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tests.phone" if self.phone else "server",
            *arguments,
            cwd=self.tree,
            env=_without_settings(os.environ) | self.environ,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    @property
    def trust(self) -> ssl.SSLContext | None:
        """For clients: trusts the certificate that this house made, and no other. None: it is reached by http."""
        return ssl.create_default_context(cafile=self.data / "phone.pem") if self.phone else None

    @property
    def link(self) -> str:
        """The one-time link that a server without accounts prints."""
        found = START_LINK.findall(self.output)
        assert found, f"no link in what the server printed:\n{self.output}"
        return str(found[-1])

    def new_link(self) -> str:
        """A one-time link that nobody has used: on a house that tests share, the printed one may be gone."""
        said = ask(self.data / "control.sock", "start-link")
        assert said, "nobody serves"
        return str(START_LINK.findall(said)[-1])

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def stop(self) -> None:
        """End it as an operator does, and wait. Harmless when it was ended before.

        Raises:
            AssertionError: it had ended by itself.
        """
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        """End it as a power cut does: nothing gets a chance to tidy up."""
        await self._end(signal.SIGKILL)

    async def _end(self, how: signal.Signals) -> None:
        if self.process is None or self._reader is None:
            return
        ended_by_itself = self.process.returncode
        if ended_by_itself is None:
            self.process.send_signal(how)
        await self.process.wait()
        await self._reader
        self.process = self._reader = None
        assert ended_by_itself is None, f"the server had ended by itself ({ended_by_itself}):\n{self.output[-6000:]}"

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        while piece := await process.stdout.read(65536):
            self.output += piece.decode(errors="replace")

    async def _ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, f"the server ended:\n{self.output}"
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.trust)
        except OSError:
            return False
        authority = self.url.partition("://")[2]
        writer.write(f"GET /health/ready HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n".encode())
        try:
            answer = await reader.read()
        finally:
            writer.close()
            await writer.wait_closed()
        return b" 200 " in answer.partition(b"\r\n")[0]


def _without_settings(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings of Copage, which would reach into the test."""
    settings = ("COPAGE_", "DATABASE_URL", "PORT", "PYTEST_")
    return {name: value for name, value in environ.items() if not name.startswith(settings)}
