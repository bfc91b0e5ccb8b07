"""Who is signed in: a cookie for staff, remembered by its hash."""

from __future__ import annotations

from server.identity.tokens import digest, new_token
from server.ports import Clock, Database, Statement

STAFF_COOKIE = "copage_staff"
SIGNED_IN_FOR = 12 * 3600 * 1000
"""Milliseconds for which a sign-in lasts: a long working day."""
IDLE_FOR = 2 * 3600 * 1000
"""Milliseconds without any request after which a sign-in ends."""
NOTED_EVERY = 60 * 1000
"""Milliseconds between two notes that a sign-in is in use: not every request writes."""


class StaffSessions:
    """The sign-ins of all accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def open(self, account: str) -> str:
        """Sign `account` in; gives the value of the cookie. Old sign-ins of everybody are cleared away on the way."""
        token = new_token()
        now = self._clock.wall()
        await self._database.write(
            Statement("DELETE FROM staff_sessions WHERE created_at < $1 OR seen_at < $2", _oldest(now)),
            Statement(
                "INSERT INTO staff_sessions (hash, account, created_at, seen_at) VALUES ($1, $2, $3, $3)",
                (digest(token), account, now),
            ),
        )
        return token

    async def check(self, token: str | None) -> str | None:
        """The account that a cookie signs in; None when it signs nobody in (any more)."""
        if not token:
            return None
        now = self._clock.wall()
        rows = await self._database.read(
            "SELECT account, seen_at FROM staff_sessions WHERE hash = $1 AND created_at >= $2 AND seen_at >= $3",
            digest(token),
            *_oldest(now),
        )
        if not rows:
            return None
        if now - int(rows[0]["seen_at"] or 0) > NOTED_EVERY:
            await self._database.write(
                Statement("UPDATE staff_sessions SET seen_at = $1 WHERE hash = $2", (now, digest(token)))
            )
        return str(rows[0]["account"])

    async def close(self, token: str | None) -> None:
        """Sign out. Harmless when nobody was signed in."""
        if token:
            await self._database.write(Statement("DELETE FROM staff_sessions WHERE hash = $1", (digest(token),)))


def _oldest(now: int) -> tuple[int, int]:
    return now - SIGNED_IN_FOR, now - IDLE_FOR
