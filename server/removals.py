"""Putting people and devices out: their tickets end, so that nobody comes back, and what is connected is closed.

The latter is an event in the room's one order, so it reaches whichever process has the connection.
"""

from __future__ import annotations

from collections.abc import Sequence

from rooms import SERVER, Actor, Already, Refusal, RemoveDevice, RemoveParticipant
from rooms.events import Event
from server.hub import Hub
from server.identity import State, Ticket, Tickets


class Removals:
    """All ways of being put out. Doing it twice is harmless: try again after `StoreUnavailable`."""

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
        await self._device_is_out(ticket)

    async def account(self, account: str) -> None:
        """Somebody of the staff, out of every session they are in."""
        await self._are_out(await self._tickets.end_account(account))

    async def member(self, room: str, account: str) -> None:
        """Somebody of the staff who is in the room's team no longer, out of the session that goes on in it."""
        await self._are_out(await self._tickets.end_account(account, room))

    async def sign_in(self, hashed: str) -> None:
        """The devices that were given a ticket under one sign-in, by the hash of that."""
        for ticket in await self._tickets.end_sign_in(hashed):
            await self._device_is_out(ticket)

    async def _are_out(self, tickets: Sequence[Ticket]) -> None:
        for room, participant in {(ticket.room, ticket.participant) for ticket in tickets}:
            await self._hub.ask(room, SERVER, RemoveParticipant(participant))

    async def _device_is_out(self, ticket: Ticket) -> None:
        outcome = await self._hub.ask(ticket.room, SERVER, RemoveDevice(ticket.id))
        if outcome == Refusal("full"):  # So many have been put out that the rules count no more: then the whole person.
            await self._hub.ask(ticket.room, SERVER, RemoveParticipant(ticket.participant))
