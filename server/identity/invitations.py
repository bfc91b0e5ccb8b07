"""The link for the other person. Looking at it uses nothing up; it is bound when somebody is let in who came by it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from rooms.events import Role
from server.identity.sealing import HouseSeal
from server.identity.tokens import digest, new_token
from server.ports import Clock, Database, Row, Statement, Value

OPENS_BEFORE = 15 * 60 * 1000
"""Milliseconds before the planned time from which a person may wait."""
KNOWN_FOR = 30 * 24 * 3600 * 1000
"""Milliseconds for which a link says plainly that its session is over. After that it is like one that never was."""

_LOOK = """
    SELECT i.hash, i.room, i.session, i.role, i.used_at, i.revoked_at, i.over_at, i.ticket,
        s.id AS there, s.planned_at, s.opened_at, s.ended_at, s.account
    FROM invitations AS i LEFT JOIN sessions AS s ON s.id = i.session WHERE i.hash = $1
"""

_STILL_GOOD = (
    "used_at IS NULL AND revoked_at IS NULL AND over_at IS NULL "
    "AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = invitations.session AND sessions.ended_at IS NULL)"
)


class Invitation(msgspec.Struct, frozen=True):
    """What a link leads to.

    `hash`: under which it is stored. `state`: `open`, `early` (it is planned for later), `used` (then `ticket` is the
    address it was bound to), `revoked` (taken back, or there is a newer one), or `over` (the session has ended).
    `account`: the worker who made the session.
    """

    hash: str
    room: str
    session: str
    role: Role
    state: str
    ticket: str | None
    planned_at: int | None
    account: str | None


class Invitations:
    """The links of all sessions. Only hashes are stored in clear; the link itself is sealed, to be shown again."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def make(self, room: str, session: str, role: Role = Role.SERVICE_USER) -> str:
        """A new link's token for a session. Links made before and not used yet stop working, also for who waits.

        Raises:
            Conflict: the session has ended. No link was made, and none has stopped.
        """
        token = new_token()
        hashed = digest(token)
        sealed = self._vault.seal_house(token.encode(), "invitations", hashed)
        await self._database.write(
            *self._revoking(session),
            Statement(
                "INSERT INTO invitations (hash, room, session, role, sealed, created_at) "
                "SELECT $1, $2, $3, $4, $5, $6 FROM sessions WHERE id = $3 AND ended_at IS NULL",
                (hashed, room, session, role.value, sealed, self._clock.wall()),
                rows=1,
            ),
        )
        return token

    async def revoke(self, session: str) -> None:
        """Take back the session's link, if it has not been used. Who waits by it is turned away."""
        await self._database.write(*self._revoking(session))

    async def current(self, session: str) -> str | None:
        """The token of the session's link that can still be used, to show it to the worker again."""
        rows = await self._database.read(
            "SELECT hash, sealed FROM invitations "
            "WHERE session = $1 AND used_at IS NULL AND revoked_at IS NULL AND over_at IS NULL",
            session,
        )
        for row in rows:
            return self._vault.open_house(_bytes(row["sealed"]), "invitations", str(row["hash"])).decode()
        return None

    async def look(self, token: str) -> Invitation | None:
        """What a link leads to; None when there is no such link (any more). Changes nothing."""
        return await self.known(digest(token))

    async def known(self, hashed: str) -> Invitation | None:
        """As `look`, by the hash under which the link is stored."""
        rows: Sequence[Row] = await self._database.read(_LOOK, hashed)
        now = self._clock.wall()
        for row in rows:
            over_at = _number(row["over_at"])
            if over_at is not None and now - over_at > KNOWN_FOR:
                return None
            return Invitation(
                hash=str(row["hash"]),
                room=str(row["room"]),
                session=str(row["session"]),
                role=Role(str(row["role"])),
                state=_state(row, now),
                ticket=None if row["ticket"] is None else str(row["ticket"]),
                planned_at=_number(row["planned_at"]),
                account=None if row["account"] is None else str(row["account"]),
            )
        return None

    def using(self, invitation: str, ticket: str) -> Statement:
        """What uses a link up for a ticket, given the link's hash: for the transaction that admits the ticket."""
        return Statement(
            f"UPDATE invitations SET used_at = $1, ticket = $2 WHERE hash = $3 AND {_STILL_GOOD}",
            (self._clock.wall(), ticket, invitation),
            rows=1,
        )

    def still_good(self, invitation: str) -> Statement:
        """Fits while a link, given by its hash, can be used: for the transaction of somebody who knocks by it."""
        return Statement(
            f"UPDATE invitations SET used_at = used_at WHERE hash = $1 AND {_STILL_GOOD}", (invitation,), rows=1
        )

    async def forget_old(self) -> None:
        """Delete the links that have been over for long."""
        await self._database.write(
            Statement("DELETE FROM invitations WHERE over_at < $1", (self._clock.wall() - KNOWN_FOR,))
        )

    def _revoking(self, session: str) -> tuple[Statement, ...]:
        unused = "session = $2 AND used_at IS NULL AND revoked_at IS NULL"
        values = (self._clock.wall(), session)
        return (
            Statement(
                "UPDATE tickets SET ended_at = $1, ended_why = 'turned_away' "
                "WHERE admitted_at IS NULL AND ended_at IS NULL "
                f"AND invitation IN (SELECT hash FROM invitations WHERE {unused})",
                values,
            ),
            Statement(f"UPDATE invitations SET revoked_at = $1 WHERE {unused}", values),
        )


def _state(row: Row, now: int) -> str:
    if row["over_at"] is not None or row["ended_at"] is not None or row["there"] is None:
        return "over"
    if row["used_at"] is not None:
        return "used"
    if row["revoked_at"] is not None:
        return "revoked"
    planned_at = _number(row["planned_at"])
    early = row["opened_at"] is None and planned_at is not None and planned_at - now > OPENS_BEFORE
    return "early" if early else "open"


def _number(value: Value) -> int | None:
    return value if isinstance(value, int) else None


def _bytes(value: Value) -> bytes:
    assert isinstance(value, bytes)
    return value
