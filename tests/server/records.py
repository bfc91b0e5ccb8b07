"""Tickets, links, codes and teams on real tables, and a clock that stands: for stories about who may come in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rooms.events import Role
from server.clock import new_id
from server.identity import Codes, Invitations, NewTicket, State, Teams, Tickets, digest, here_cookie, secret_cookie
from server.ports import NewSession, Statement
from server.store.opening import Opened, open_sqlite
from tests.contracts.trouble import no_trouble
from tests.hands import Hands


def cookies_of(new: NewTicket) -> dict[str, str]:
    """What the device of a new ticket holds."""
    return {secret_cookie(new.ticket.id): new.secret, here_cookie(new.ticket.id): new.here}


class Records:
    """One house. `await records.session()` first: everything else is about a session."""

    def __init__(self, opened: Opened) -> None:
        self.opened = opened
        self.database, self.store = opened.database, opened.store
        self.clock = Hands()
        self.tickets = Tickets(opened.database, opened.store.keys, self.clock, new_id)
        self.invitations = Invitations(opened.database, opened.vault, self.clock)
        self.codes = Codes(opened.database, opened.vault, self.clock)
        self.teams = Teams(opened.database, opened.vault, self.clock)

    async def session(self, session: str = "session", room: str = "room", planned_at: int | None = None) -> str:
        """A session that is prepared, in a room that is made if it is not there. Gives the token of its link."""
        now = self.clock.wall()
        if not await self.database.read("SELECT id FROM rooms WHERE id = $1", room):
            await self.store.create(room, now)
        await self.store.prepare(NewSession(room, session, False, "alex", now, planned_at))
        return await self.invitations.make(room, session)

    async def marks(self, session: str, what: str) -> None:
        """Write down that a session was `opened` or `ended` now, without the events of it."""
        now = (self.clock.wall(), session)
        await self.database.write(Statement(f"UPDATE sessions SET {what}_at = $1 WHERE id = $2", now, rows=1))

    async def knocks(self, link: str, name: str = "Sam") -> NewTicket:
        """A ticket that waits, for who came by a link."""
        new = await self.arrives(link, name)
        assert new is not None
        return new

    async def arrives(self, link: str, name: str = "Sam") -> NewTicket | None:
        found = await self.invitations.look(link)
        assert found is not None
        return await self.tickets.arrive(found.room, found.session, Role.SERVICE_USER, found.hash, name)

    async def admits(self, new: NewTicket, link: str) -> bool:
        """Let in who waits, by the link that they came by."""
        using = self.invitations.using(digest(link), new.ticket.id)
        return await self.tickets.admit(new.ticket, new.ticket.participant, using)

    async def waiting(self, session: str = "session") -> list[str]:
        """The names of who waits, in the order they came."""
        return [arrival.name for arrival in await self.tickets.arrivals(session)]

    async def state(self, new: NewTicket) -> State:
        """How far a ticket has come, as its device is told."""
        found = await self.tickets.find(new.ticket.id, cookies_of(new))
        assert found is not None
        return found.state

    async def link_state(self, link: str) -> str | None:
        found = await self.invitations.look(link)
        return found.state if found is not None else None


@asynccontextmanager
async def records(folder: Path) -> AsyncIterator[Records]:
    async with open_sqlite(folder / "copage.db", folder / "key", new_id, no_trouble) as opened:
        yield Records(opened)
