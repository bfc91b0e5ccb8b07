"""SQLite keeps the promises of the port."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from server.ports import Store
from server.store.opening import open_sqlite
from tests.contracts.diary import new_id
from tests.contracts.store_contract import Again, StoreContract
from tests.contracts.trouble import no_trouble


class TestSqliteStore(StoreContract):
    @pytest.fixture
    async def opened(self) -> AsyncIterator[AsyncExitStack]:
        async with AsyncExitStack() as opened:
            yield opened

    @pytest.fixture
    async def store(self, opened: AsyncExitStack, tmp_path: Path) -> Store:
        house = open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble)
        return (await opened.enter_async_context(house)).store

    @pytest.fixture
    def again(self, opened: AsyncExitStack, tmp_path: Path) -> Again:
        async def after_a_restart() -> Store:
            await opened.aclose()
            house = open_sqlite(tmp_path / "copage.db", tmp_path / "key", new_id, no_trouble)
            return (await opened.enter_async_context(house)).store

        return after_a_restart
