"""A house behind a bad network, for the tests that need one."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.house import House, free_port
from tests.proxy import Proxy


@pytest.fixture(scope="session")
async def far_house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[House, Proxy]]:
    """A running server and the network in front of it, by which alone it is reached."""
    port = free_port()
    async with Proxy(port) as network:
        house = House(tmp_path_factory.mktemp("far"), port=port, environ={"COPAGE_PUBLIC_URL": network.url})
        await house.start()
        yield house, network
        await house.stop()


@pytest.fixture
async def far(far_house: tuple[House, Proxy]) -> AsyncIterator[tuple[House, Proxy]]:
    """As `far_house`, with the network made good again after the test."""
    yield far_house
    far_house[1].mend()
