"""What has had its time goes: sessions end when nobody is in them, and are destroyed some time after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from rooms import SERVER, EndSession, Join, OpenSession, Role
from server.bus.memory import MemoryBus, MemoryExchange
from server.clock import new_id
from server.hub import Hub, Seat
from server.ports import NewSession
from server.store.memory import MemoryStore
from server.sweep import IDLE_END, KEPT_AFTER_END, KEPT_UNOPENED, PRACTICE_IDLE_END, keep_sweeping, sweep


@dataclass
class HandClock:
    """Time passes when the test says so; a sleeper sleeps until the test is over."""

    seconds: float = 1000.0

    def monotonic(self) -> float:
        return self.seconds

    def wall(self) -> int:
        return int(self.seconds * 1000)

    async def sleep(self, seconds: float) -> None:
        await asyncio.Event().wait()


@dataclass
class Nobody:
    """An audience that only remembers who was closed."""

    closed: dict[str, str] = field(default_factory=dict)

    def tell(self, connections: Iterable[str], packet: str) -> None:
        pass

    def show(self, connections: Iterable[str], key: str, packet: str) -> None:
        pass

    def close(self, connection: str, code: str) -> None:
        self.closed[connection] = code


@dataclass
class House:
    store: MemoryStore
    hub: Hub
    clock: HandClock
    audience: Nobody

    async def session(self, room: str, practice: bool = False) -> None:
        await self.store.create(room, self.clock.wall())
        await self.next_session(room, f"{room}-1", practice)

    async def next_session(self, room: str, session: str, practice: bool = False) -> None:
        await self.store.prepare(NewSession(room, session, practice, None, self.clock.wall()))
        await self.hub.ask(room, SERVER, OpenSession(session, practice, "starter", ("home",), "home"))
        await self.hub.ask(room, SERVER, Join("alex", Role.WORKER, "Alex"))

    async def sessions(self) -> list[str]:
        return [row.session for row in await self.store.sessions()]

    async def rooms(self) -> dict[str, bool]:
        return {row.room: row.ended_at is not None for row in await self.store.sessions()}

    async def sweep(self) -> int:
        return await sweep(self.store, self.hub, self.clock.wall())


@pytest.fixture
async def house() -> AsyncIterator[House]:
    clock, audience, store = HandClock(), Nobody(), MemoryStore(new_id)
    hub = Hub(store, MemoryBus(MemoryExchange(), "one"), audience, clock, new_id, "one")
    hub.start()
    yield House(store, hub, clock, audience)
    await hub.stop()


async def test_a_session_nobody_is_in_ends_by_itself_se5(house: House) -> None:
    await house.session("quiet")
    house.clock.seconds += IDLE_END - 1
    assert await house.sweep() == 0
    house.clock.seconds += 2
    assert await house.sweep() == 1
    assert await house.rooms() == {"quiet": True}


async def test_a_session_somebody_is_in_does_not_end_se5(house: House) -> None:
    await house.session("talking")
    house.hub.attach("c", Seat("talking", "alex", "t"), "w" * 22, None)
    await house.hub.look("talking")
    house.clock.seconds += 10 * IDLE_END
    assert await house.sweep() == 0
    assert await house.rooms() == {"talking": False}


async def test_a_session_opened_on_a_server_that_has_been_up_for_days_is_not_taken_for_idle_se5(house: House) -> None:
    house.clock.seconds += 10 * IDLE_END
    await house.session("new")
    await house.session("practice", practice=True)
    assert await house.sweep() == 0
    house.clock.seconds += PRACTICE_IDLE_END + 1
    assert await house.sweep() == 1
    assert await house.rooms() == {"new": False, "practice": True}


@pytest.mark.parametrize("planned_after", [None, 3 * 24 * 3600 * 1000])
async def test_what_was_prepared_and_never_opened_goes_a_day_after_its_time_se6(
    house: House, planned_after: int | None
) -> None:
    now = house.clock.wall()
    planned_at = None if planned_after is None else now + planned_after
    await house.store.create("empty", now)
    await house.store.prepare(NewSession("empty", "empty-1", False, "account", now, planned_at))
    house.clock.seconds += ((planned_after or 0) + KEPT_UNOPENED) / 1000 - 1
    assert await house.sweep() == 0
    house.clock.seconds += 1
    assert await house.sweep() == 1
    assert await house.rooms() == {}


async def test_each_session_of_a_room_has_its_own_time_se6(house: House) -> None:
    await house.session("room")
    await house.hub.ask("room", SERVER, EndSession())
    house.clock.seconds += KEPT_AFTER_END / 1000 - 10
    await house.next_session("room", "room-2")
    house.hub.attach("c", Seat("room", "alex", "t"), "w" * 22, None)
    house.clock.seconds += 10
    assert await house.sweep() == 1
    assert await house.sessions() == ["room-2"]
    assert house.audience.closed == {}


async def test_a_room_is_no_longer_idle_because_an_older_session_was_destroyed_se5(house: House) -> None:
    """Alex was here a moment ago, in a session that began hours ago, on a server that has been up for days."""
    house.clock.seconds += 10 * IDLE_END
    await house.session("room")
    await house.hub.ask("room", SERVER, EndSession())
    house.clock.seconds += KEPT_AFTER_END / 1000 - 2 * IDLE_END
    await house.next_session("room", "room-2")
    house.hub.attach("c", Seat("room", "alex", "t"), "w" * 22, None)
    await house.hub.look("room")
    house.clock.seconds += 2 * IDLE_END
    house.hub.detach("c")
    await house.hub.look("room")
    house.clock.seconds += 60
    assert await house.sweep() == 1
    assert await house.sweep() == 0
    assert await house.rooms() == {"room": False}


async def test_an_ended_session_is_destroyed_a_day_later_se6(house: House) -> None:
    await house.session("over")
    await house.hub.ask("over", SERVER, EndSession())
    house.clock.seconds += KEPT_AFTER_END / 1000 - 1
    assert await house.sweep() == 0
    house.clock.seconds += 1
    assert await house.sweep() == 1
    assert await house.rooms() == {}


async def test_nothing_of_practice_is_kept_se6(house: House) -> None:
    await house.session("practice", practice=True)
    house.clock.seconds += PRACTICE_IDLE_END + 1
    await house.sweep()
    assert await house.rooms() == {"practice": True}
    await house.sweep()
    assert await house.rooms() == {}


async def test_a_fault_in_one_sweep_is_not_the_last_sweep_se6(house: House) -> None:
    class Waking(HandClock):
        async def sleep(self, seconds: float) -> None:
            """Two sweeps, then no more."""
            self.seconds += seconds
            if self.seconds > house.clock.seconds + 2 * seconds:
                raise asyncio.CancelledError

    async def fault_once(point: str) -> None:
        house.store.pace = pace
        raise ZeroDivisionError

    await house.session("over", practice=True)
    await house.hub.ask("over", SERVER, EndSession())
    pace, house.store.pace = house.store.pace, fault_once
    with pytest.raises(asyncio.CancelledError), capture_logs() as logs:
        await keep_sweeping(house.store, house.hub, Waking(house.clock.seconds))
    assert [line["event"] for line in logs] == ["sweep_fault", "session_destroyed"]
    assert await house.rooms() == {}
