"""A ticket is one participant's participation on one device: an address `/s/<id>` and two cookies named after it.

Both cookies are needed. One is out of reach of scripts; the other may be deleted by the page itself, so that
*Leave now* works in the same moment, whatever the network does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from rooms.events import Role
from server.identity.tokens import digest, is_token_of, new_token
from server.ports import Clock, Database, NewId, Row, Statement

_COLUMNS = "id, room, session, participant, role, secret_hash, here_hash, created_at, ended_at"


class Ticket(msgspec.Struct, frozen=True):
    """What the house knows of a ticket. `ended`: it was given up, and opens nothing any more."""

    id: str
    room: str
    session: str
    participant: str
    role: Role
    ended: bool


class NewTicket(msgspec.Struct, frozen=True):
    """A ticket just made, with the two secrets that only its device will hold."""

    ticket: Ticket
    secret: str
    here: str

    def __repr__(self) -> str:
        return f"NewTicket({self.ticket.id})"

    @property
    def hashes(self) -> tuple[str, str]:
        return digest(self.secret), digest(self.here)


def secret_cookie(ticket: str) -> str:
    """Name of the cookie that no script can read."""
    return f"copage_{ticket}"


def here_cookie(ticket: str) -> str:
    """Name of the cookie that the page's script may delete."""
    return f"copage_here_{ticket}"


class Tickets:
    """The tickets of all rooms."""

    def __init__(self, database: Database, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id

    def prepare(self, room: str, session: str, participant: str, role: Role) -> NewTicket:
        """A ticket that exists nowhere yet: write `creating(...)` of it in some transaction."""
        ticket = Ticket(self._new_id(), room, session, participant, role, ended=False)
        return NewTicket(ticket, new_token(), new_token())

    def creating(self, new: NewTicket) -> Statement:
        """The statement that makes a prepared ticket real."""
        made = new.ticket
        return Statement(
            f"INSERT INTO tickets ({_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, NULL)",
            (made.id, made.room, made.session, made.participant, made.role.value, *new.hashes, self._clock.wall()),
            rows=1,
        )

    async def create(self, room: str, session: str, participant: str, role: Role) -> NewTicket:
        """A ticket for a participant who is let in without an invitation: the worker at the desk, both in practice."""
        new = self.prepare(room, session, participant, role)
        await self._database.write(self.creating(new))
        return new

    async def find(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket if this device holds both of its secrets, also when it has ended."""
        row = await self._row(ticket_id)
        here = cookies.get(here_cookie(ticket_id))
        if row is None or not is_token_of(here, str(row["here_hash"])):
            return None
        return self._if_held(row, cookies)

    async def check(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket if this device holds both of its secrets and it has not ended: what pages and sockets ask."""
        ticket = await self.find(ticket_id, cookies)
        return None if ticket is None or ticket.ended else ticket

    async def held(self, ticket_id: str, cookies: Mapping[str, str]) -> Ticket | None:
        """The ticket by the one cookie that scripts cannot delete.

        Good for nothing but leaving: the page has deleted the other one by then.
        """
        row = await self._row(ticket_id)
        return None if row is None else self._if_held(row, cookies)

    async def end_participant(self, room: str, participant: str) -> None:
        """End all tickets of a participant who has left, on whatever device."""
        await self._database.write(
            Statement(
                "UPDATE tickets SET ended_at = $1 WHERE room = $2 AND participant = $3 AND ended_at IS NULL",
                (self._clock.wall(), room, participant),
            )
        )

    async def of_room(self, room: str) -> Sequence[Ticket]:
        """The tickets of a room, oldest first."""
        rows = await self._database.read(
            f"SELECT {_COLUMNS} FROM tickets WHERE room = $1 ORDER BY created_at, id", room
        )
        return [_ticket(row) for row in rows]

    async def _row(self, ticket_id: str) -> Row | None:
        rows = await self._database.read(f"SELECT {_COLUMNS} FROM tickets WHERE id = $1", ticket_id)
        return rows[0] if rows else None

    def _if_held(self, row: Row, cookies: Mapping[str, str]) -> Ticket | None:
        secret = cookies.get(secret_cookie(str(row["id"])))
        return _ticket(row) if is_token_of(secret, str(row["secret_hash"])) else None


def _ticket(row: Row) -> Ticket:
    return Ticket(
        id=str(row["id"]),
        room=str(row["room"]),
        session=str(row["session"]),
        participant=str(row["participant"]),
        role=Role(str(row["role"])),
        ended=row["ended_at"] is not None,
    )
