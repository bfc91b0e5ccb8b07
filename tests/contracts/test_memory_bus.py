"""The memory bus keeps the promises of the port, and can be given bad weather."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.bus.memory import MemoryBus, MemoryExchange
from server.ports import Bus, Doorbell, Rejoined, Telling
from tests.contracts.bus_contract import BusContract, Ear, Street, at


class OneProcess:
    """A street in which the exchange itself can be told to cut somebody off."""

    def __init__(self) -> None:
        self.exchange = MemoryExchange()

    async def bus(self, node: str) -> Bus:
        return MemoryBus(self.exchange, node)

    async def cut(self, node: str) -> None:
        self.exchange.cut(node)

    async def mend(self, node: str) -> None:
        self.exchange.rejoin(node)


class TestMemoryBus(BusContract):
    @pytest.fixture
    def street(self) -> Street:
        return OneProcess()


async def everything_heard_by(bus: MemoryBus) -> list[object]:
    bus.close()
    return [message async for message in bus.messages()]


async def test_weather_loses_repeats_delays_and_reorders() -> None:
    fates: dict[int, Sequence[float]] = {1: (), 2: (0, 0), 3: (0.02,), 4: (0.01,), 5: (0,)}

    def weather(sender: str, receiver: str, message: Telling) -> Sequence[float]:
        assert (sender, receiver) == ("ada", "ben")
        assert isinstance(message, Doorbell)
        return fates[message.position.seq]

    exchange = MemoryExchange(weather)
    ada, ben = MemoryBus(exchange, "ada"), MemoryBus(exchange, "ben")
    ben.listen("room-1")
    for seq in fates:
        ada.publish(at(seq))
    ear = Ear(ben)

    assert [await ear.hears() for _ in range(5)] == [at(2), at(2), at(5), at(4), at(3)]


async def test_what_is_on_its_way_does_not_reach_a_process_that_was_cut_off_or_has_gone() -> None:
    exchange = MemoryExchange(lambda sender, receiver, message: (0.01,))
    ada, ben, cleo = [MemoryBus(exchange, node) for node in ("ada", "ben", "cleo")]
    ben.listen("room-1")
    cleo.listen("room-1")
    ada.publish(at(1))
    exchange.cut("ben")
    cleo.close()
    dan = MemoryBus(exchange, "dan")
    dan.listen("room-1")
    ada.publish(at(2))

    assert await Ear(dan).hears() == at(2)
    assert await everything_heard_by(ben) == []
    assert [message async for message in cleo.messages()] == []


async def test_a_process_that_starts_again_takes_the_place_of_its_old_self() -> None:
    exchange = MemoryExchange()
    ada, crashed = MemoryBus(exchange, "ada"), MemoryBus(exchange, "ben")
    ben = MemoryBus(exchange, "ben")
    crashed.close()
    ben.listen("room-1")
    ada.publish(at(1))

    assert await everything_heard_by(ben) == [at(1)]


async def test_rejoining_without_a_break_says_nothing() -> None:
    exchange = MemoryExchange()
    ada, ben = MemoryBus(exchange, "ada"), MemoryBus(exchange, "ben")
    ben.listen("room-1")
    exchange.rejoin("ben")
    exchange.rejoin("nobody")
    ada.publish(at(1))

    assert await everything_heard_by(ben) == [at(1)]


@given(seed=st.integers(), count=st.integers(0, 30))
async def test_whatever_the_weather_nothing_is_invented(seed: int, count: int) -> None:
    chance = random.Random(seed)

    def weather(sender: str, receiver: str, message: Telling) -> Sequence[float]:
        return [chance.choice((0, 0.0001, 0.0002)) for _ in range(chance.choice((0, 1, 1, 2)))]

    exchange = MemoryExchange(weather)
    ada, ben = MemoryBus(exchange, "ada"), MemoryBus(exchange, "ben")
    ben.listen("room-1")
    published = [at(seq, chance.choice(("room-1", "room-2"))) for seq in range(count)]
    for message in published:
        ada.publish(message)
    # Longer than the longest delay: what has not come by then was lost.
    over = asyncio.Event()
    asyncio.get_running_loop().call_later(0.001, over.set)
    await over.wait()

    heard = await everything_heard_by(ben)
    assert set(map(repr, heard)) <= {repr(message) for message in published if message.room == "room-1"}
    assert Rejoined() not in heard
