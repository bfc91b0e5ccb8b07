"""The link for the other person. Looking at it uses nothing up; coming in binds it to one device, once."""

from __future__ import annotations

import msgspec

from rooms.events import Role
from server.identity.sealing import HouseSeal
from server.identity.tickets import NewTicket, Tickets
from server.identity.tokens import digest, new_token
from server.ports import Clock, Conflict, Database, NewId, Statement, Value


class Invitation(msgspec.Struct, frozen=True):
    """What a link leads to.

    `state`: `open`, `used` (then `ticket` is the address it was bound to), `revoked` (there is a newer link), or `over`
    (the session has ended).
    """

    room: str
    session: str
    role: Role
    state: str
    ticket: str | None


class Invitations:
    """The links of all sessions. Only hashes are stored in clear; the link itself is sealed, to be shown again."""

    def __init__(self, database: Database, vault: HouseSeal, tickets: Tickets, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._vault = vault
        self._tickets = tickets
        self._clock = clock
        self._new_id = new_id

    async def make(self, room: str, role: Role = Role.SERVICE_USER) -> str:
        """A new link's token for `room`. Links made before and not used yet stop working."""
        token = new_token()
        hashed = digest(token)
        sealed = self._vault.seal_house(token.encode(), "invitations", hashed)
        now = self._clock.wall()
        await self._database.write(
            _revoking(room, now),
            Statement(
                "INSERT INTO invitations (hash, room, role, sealed, created_at) VALUES ($1, $2, $3, $4, $5)",
                (hashed, room, role.value, sealed, now),
                rows=1,
            ),
        )
        return token

    async def current(self, room: str) -> str | None:
        """The token of the room's link that can still be used, to show it to the worker again."""
        rows = await self._database.read(
            "SELECT hash, sealed FROM invitations WHERE room = $1 AND used_at IS NULL AND revoked_at IS NULL", room
        )
        for row in rows:
            return self._vault.open_house(_bytes(row["sealed"]), "invitations", str(row["hash"])).decode()
        return None

    async def look(self, token: str) -> Invitation | None:
        """What a link leads to; None when there is no such link. Changes nothing."""
        rows = await self._database.read(
            "SELECT i.room, i.role, i.used_at, i.revoked_at, i.ticket, s.id AS session, s.ended_at "
            "FROM invitations AS i JOIN sessions AS s ON s.room = i.room WHERE i.hash = $1",
            digest(token),
        )
        if not rows:
            return None
        row = rows[0]
        ticket = None if row["ticket"] is None else str(row["ticket"])
        if row["ended_at"] is not None:
            state = "over"
        elif row["used_at"] is not None:
            state = "used"
        else:
            state = "open" if row["revoked_at"] is None else "revoked"
        return Invitation(str(row["room"]), str(row["session"]), Role(str(row["role"])), state, ticket)

    async def bind(self, token: str, invitation: Invitation, known_as: str | None = None) -> NewTicket | None:
        """Use the link up and make the ticket, in one transaction; None when somebody else was quicker.

        The caller sets the ticket's cookies, then has the participant join.

        Args:
            known_as: the participant whose ticket it will be; None for somebody new.
        """
        participant = known_as or self._new_id()
        new = self._tickets.prepare(invitation.room, invitation.session, participant, invitation.role)
        using = Statement(
            "UPDATE invitations SET used_at = $1, ticket = $2 "
            "WHERE hash = $3 AND used_at IS NULL AND revoked_at IS NULL "
            "AND EXISTS (SELECT 1 FROM sessions WHERE sessions.room = invitations.room AND sessions.ended_at IS NULL)",
            (self._clock.wall(), new.ticket.id, digest(token)),
            rows=1,
        )
        try:
            await self._database.write(using, self._tickets.creating(new))
        except Conflict:
            return None
        return new


def _revoking(room: str, now: int) -> Statement:
    return Statement(
        "UPDATE invitations SET revoked_at = $1 WHERE room = $2 AND used_at IS NULL AND revoked_at IS NULL", (now, room)
    )


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
