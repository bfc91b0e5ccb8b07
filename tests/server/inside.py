"""The product in this very process: what the tests of a running server cannot do, it can be made to do here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from server.app import Copage, create_app
from server.settings import read_settings
from server.sweep import sweep
from tests.contracts.trouble import no_trouble
from tests.house import House
from tests.visitor import PASSWORD, Visitor

ADDRESS = "http://127.0.0.1:8000"


class Inside(House):
    """A house without a process of its own."""

    def __init__(self, data: Path, copage: Copage) -> None:
        super().__init__(data, port=8000)
        self.copage = copage

    def browser(self, peer: str = "127.0.0.1") -> httpx2.AsyncClient:
        """A browser that speaks to it without a network."""
        return httpx2.AsyncClient(transport=self._at(peer), base_url=ADDRESS, headers={"Origin": ADDRESS})

    def visitor(self) -> Visitor:
        return Visitor(self, self._at("127.0.0.1"))

    async def alex(self) -> Visitor:
        """Alex's browser, signed in; with the account that it needs."""
        if not await self.copage.accounts.exist():
            await self.copage.accounts.create("alex", PASSWORD, "Alex", "nurse")
        visitor = self.visitor()
        await visitor.signs_in()
        return visitor

    def passes(self, patch: pytest.MonkeyPatch, seconds: float) -> None:
        """Have that much time pass at once."""
        clock = self.copage.clock
        wall, monotonic = clock.wall, clock.monotonic
        patch.setattr(clock, "wall", lambda: wall() + int(seconds * 1000))
        patch.setattr(clock, "monotonic", lambda: monotonic() + seconds)

    async def sweeps(self) -> int:
        """What a running server does every minute."""
        return await sweep(self.copage.opened.store, self.copage.hub, self.copage.clock.wall())

    def _at(self, peer: str) -> httpx2.ASGITransport:
        return httpx2.ASGITransport(self.copage.asgi, client=(peer, 40_000))


@asynccontextmanager
async def inside_of(data: Path, **environ: str) -> AsyncIterator[Inside]:
    async with create_app(read_settings({"COPAGE_DATA": str(data), **environ}), no_trouble) as copage:
        yield Inside(data, copage)
