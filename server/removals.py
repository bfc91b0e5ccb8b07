"""Putting people and devices out: their tickets end, so that nobody comes back, and what is connected is closed.

The latter is an event in the room's one order, so it reaches whichever process has the connection. When the store does
not answer just then, it is made good later: `finish`.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from rooms import SERVER, Actor, Already, Command, Refusal, RemoveDevice, RemoveParticipant
from rooms.events import Event
from server.hub import Hub
from server.identity import State, Ticket, Tickets
from server.ports import StoreUnavailable

log = structlog.get_logger("removals")


class Removals:
    """All ways of being put out. Doing it twice is harmless."""

    def __init__(self, hub: Hub, tickets: Tickets) -> None:
        self._hub = hub
        self._tickets = tickets

    async def participant(self, room: str, by: Actor, participant: str) -> tuple[Event, ...] | Already | Refusal:
        """*This is not Sam*. The rules say whether `by` may; the tickets end only if so ([PT9], [PT10])."""
        outcome = await self._hub.ask(room, by, RemoveParticipant(participant))
        if not isinstance(outcome, Refusal):
            await self._tickets.end_participant(room, participant, State.REMOVED)
        return outcome

    async def device(self, ticket: Ticket) -> None:
        """One device, whose person stays on the others ([PT11])."""
        await self._tickets.end(ticket.id, State.REMOVED)
        await self._devices_are_out([ticket])

    async def account(self, account: str) -> None:
        """Somebody of the staff, out of every session they are in."""
        await self._people_are_out(await self._tickets.end_account(account))

    async def member(self, room: str, account: str) -> None:
        """Somebody of the staff who is in the room's team no longer, out of the session that goes on in it."""
        await self._people_are_out(await self._tickets.end_account(account, room))

    async def sign_in(self, hashed: str) -> None:
        """The devices that were given a ticket under one sign-in, by the hash of that."""
        await self._devices_are_out(await self._tickets.end_sign_in(hashed))

    async def finish(self) -> None:
        """Close what should have been closed before: the store did not answer then, or the server ended. And whose
        sign-in, or time in a room's team, is over is out from now on."""
        await self._tickets.end_those_without_right()
        removed = await self._tickets.removed()
        await self._devices_are_out([ticket for ticket in removed if not await self._person_is_out(ticket)])

    async def _people_are_out(self, tickets: Iterable[Ticket]) -> None:
        for room, participant in {(ticket.room, ticket.participant) for ticket in tickets}:
            await self._tell(room, RemoveParticipant(participant))

    async def _person_is_out(self, ticket: Ticket) -> bool:
        """Whether the whole person gets nothing any more: then of their device nothing is left to say."""
        try:
            room = await self._hub.look(ticket.room)
        except StoreUnavailable:
            return False
        person = room.participants.get(ticket.participant) if room is not None else None
        return person is not None and person.left

    async def _devices_are_out(self, tickets: Iterable[Ticket]) -> None:
        for ticket in tickets:
            if await self._tell(ticket.room, RemoveDevice(ticket.id)) == Refusal("full"):
                # So many have been put out that the rules count no more: then the whole person.
                await self._tell(ticket.room, RemoveParticipant(ticket.participant))

    async def _tell(self, room: str, command: Command) -> object:
        try:
            return await self._hub.ask(room, SERVER, command)
        except StoreUnavailable:
            log.warning("removal_postponed", room=room)
            return None
