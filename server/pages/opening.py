"""Opening a session and letting people in: what the desk, practice and the door have in common."""

from __future__ import annotations

from rooms import SERVER, Join, OpenSession, Refusal, Room, already_in_as, decide
from rooms.events import Role
from server.content import Content
from server.hub import Hub
from server.identity import NewTicket, Tickets
from server.ports import Clock, NewId, NewRoom, Store, StoreUnavailable


class Opening:
    """Makes rooms, and has participants join them."""

    def __init__(self, store: Store, hub: Hub, tickets: Tickets, content: Content, clock: Clock, new_id: NewId) -> None:
        self._store = store
        self._hub = hub
        self._tickets = tickets
        self._pack = content.pack
        self._clock = clock
        self._new_id = new_id

    async def open(self, account: str | None) -> tuple[str, str]:
        """A new room with its session, as `(room, session)`. Without an account it is practice.

        Raises:
            StoreUnavailable: try again; at worst an empty session is left, which the sweep ends.
        """
        room, session = self._new_id(), self._new_id()
        practice = account is None
        await self._store.create(NewRoom(room, session, practice, account, self._clock.wall()))
        pack = self._pack
        opened = await self._hub.ask(room, SERVER, OpenSession(session, practice, pack.id, pack.page_ids, pack.home))
        if isinstance(opened, Refusal):
            raise StoreUnavailable(opened.code)
        return room, session

    async def let_in(self, room: str, session: str, role: Role, name: str) -> NewTicket:
        """Have a new participant join, and give their first device a ticket.

        Raises:
            Refused: with the code of why they cannot come in.
            StoreUnavailable: try again.
        """
        participant = self._new_id()
        await self.join(room, participant, role, name)
        return await self._tickets.create(room, session, participant, role)

    async def join(self, room: str, participant: str, role: Role, name: str) -> None:
        """Have the participant of a ticket join. Doing it twice is harmless. Raises as `let_in` does."""
        joined = await self._hub.ask(room, SERVER, Join(participant, role, name))
        if isinstance(joined, Refusal):
            raise Refused(joined.code)

    async def already_in_as(self, room: str, role: Role, name: str) -> str | None:
        """The participant who comes back by a new link, if this is one ([PT8])."""
        known = await self._hub.look(room)
        return None if known is None else already_in_as(known, self._hub.here(room), Join(self._new_id(), role, name))

    async def would_refuse(self, room: str, role: Role, name: str) -> str | None:
        """Why a new participant with this name could not join now, or None: asked before a link is used up."""
        known = await self._hub.look(room)
        if known is None:
            return "session_ended"
        decided = decide(known, SERVER, Join(self._new_id(), role, name), self._clock.wall())
        return decided.code if isinstance(decided, Refusal) else None


class Refused(Exception):
    """The rules say no. `code` is one of `wire.REFUSALS`."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def participant_here(room: Room, role: Role) -> str | None:
    """Who has this role and has not left, if there is one."""
    return next((each.id for each in room.participants.values() if each.role is role and not each.left), None)
