"""What `server.ports.Bus` promises, sentence by sentence. An adapter's tests are a subclass with a fixture `street`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Protocol

from rooms import Position
from rooms.presence import Here
from server.ports import Bus, BusMessage, Doorbell, HereOn, InPassing, Rejoined


class Street(Protocol):
    """Several processes of one installation, and what is between them."""

    async def bus(self, node: str) -> Bus:
        """The bus of one more process."""

    async def cut(self, node: str) -> None:
        """Take the bus away from a process."""

    async def mend(self, node: str) -> None:
        """Give it back."""


class Ear:
    """Listens to a bus for as long as the test goes on."""

    def __init__(self, bus: Bus) -> None:
        self._messages: AsyncIterator[BusMessage] = bus.messages()

    async def hears(self) -> BusMessage:
        return await asyncio.wait_for(anext(self._messages), 5)


def at(seq: int, room: str = "room-1") -> Doorbell:
    return Doorbell(room, Position("epoch-1", seq, f"tail-{seq}"))


class BusContract:
    async def test_a_doorbell_is_heard_by_every_other_process_that_listens(self, street: Street) -> None:
        ada, ben, cleo = [await street.bus(node) for node in ("ada", "ben", "cleo")]
        for bus in (ada, ben, cleo):
            bus.listen("room-1")
        ada.publish(at(4))

        assert await Ear(ben).hears() == at(4)
        assert await Ear(cleo).hears() == at(4)

    async def test_who_is_here_is_heard(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ben.listen("room-1")
        here = HereOn("room-1", "ada", 7, (Here("p-1"), Here("p-2", along=False)))
        ada.publish(here)

        assert await Ear(ben).hears() == here

    async def test_what_is_shown_in_passing_is_heard(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ben.listen("room-1")
        shown = InPassing("room-1", "p-1", "", "point p-1", '2["pointed",{}]', 65_536)
        ada.publish(shown)

        assert await Ear(ben).hears() == shown

    async def test_nobody_hears_a_room_they_do_not_listen_to(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ben.listen("room-2")
        ada.publish(at(4, "room-1"))
        ada.publish(at(5, "room-2"))

        assert await Ear(ben).hears() == at(5, "room-2")

    async def test_who_has_stopped_listening_hears_no_more_of_it_not_even_what_had_come(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ear = Ear(ben)
        for room in ("room-1", "room-2"):
            ben.listen(room)
        ada.publish(at(3, "room-1"))
        ada.publish(at(4, "room-1"))
        assert await ear.hears() == at(3, "room-1")

        ben.unlisten("room-1")
        ada.publish(at(5, "room-1"))
        ada.publish(at(6, "room-2"))
        assert await ear.hears() == at(6, "room-2")

    async def test_nobody_hears_themselves(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        for bus in (ada, ben):
            bus.listen("room-1")
        ada.publish(at(4))
        ben.publish(at(5))

        assert await Ear(ada).hears() == at(5)
        assert await Ear(ben).hears() == at(4)

    async def test_after_a_break_a_process_is_told_and_hears_again(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ear = Ear(ben)
        ben.listen("room-1")
        await street.cut("ben")
        ada.publish(at(4))
        await street.mend("ben")

        assert await ear.hears() == Rejoined()
        ada.publish(at(5))
        assert await ear.hears() == at(5)

    async def test_publishing_without_a_bus_is_no_trouble(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ben.listen("room-1")
        await street.cut("ada")
        ada.publish(at(4))
        await street.mend("ada")
        assert await Ear(ada).hears() == Rejoined()
        ada.publish(at(5))

        assert await Ear(ben).hears() == at(5)

    async def test_listening_twice_is_listening_once(self, street: Street) -> None:
        ada, ben = [await street.bus(node) for node in ("ada", "ben")]
        ear = Ear(ben)
        ben.listen("room-1")
        ben.listen("room-1")
        ben.listen("room-2")
        ada.publish(at(4))
        ada.publish(at(5, "room-2"))
        assert [await ear.hears(), await ear.hears()] == [at(4), at(5, "room-2")]

        ben.unlisten("room-1")
        ben.unlisten("room-3")
        ada.publish(at(6))
        ada.publish(at(7, "room-2"))
        assert await ear.hears() == at(7, "room-2")
