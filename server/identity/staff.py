"""Who is signed in: a cookie for staff, remembered by its hash.

A sign-in lasts a working day, and ends before if it is not used for two hours. When it was last used is known in memory
only: to look at the desk writes nothing. After a new start of the server the two hours begin anew, the day does not.
"""

from __future__ import annotations

from server.identity.tokens import digest, new_token
from server.ports import Clock, Database, Statement

STAFF_COOKIE = "copage_staff"
SIGNED_IN_FOR = 12 * 3600 * 1000
"""Milliseconds for which a sign-in lasts: a long working day."""
IDLE_FOR = 2 * 3600 * 1000
"""Milliseconds without any request after which a sign-in ends."""


class StaffSessions:
    """The sign-ins of all accounts."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._used: dict[str, int] = {}
        """When each sign-in was last used, by its hash. An idle one stays until its day is over, or it would revive."""

    async def open(self, account: str) -> str:
        """Sign `account` in; gives the value of the cookie. Old sign-ins of everybody are cleared away on the way."""
        token = new_token()
        now = self._clock.wall()
        await self._database.write(
            Statement("DELETE FROM staff_sessions WHERE created_at < $1", (now - SIGNED_IN_FOR,)),
            Statement(
                "INSERT INTO staff_sessions (hash, account, created_at) VALUES ($1, $2, $3)",
                (digest(token), account, now),
            ),
        )
        self._used = {hashed: used for hashed, used in self._used.items() if used >= now - SIGNED_IN_FOR}
        self._used[digest(token)] = now
        return token

    async def check(self, token: str | None) -> str | None:
        """The account that a cookie signs in; None when it signs nobody in (any more)."""
        if not token:
            return None
        hashed, now = digest(token), self._clock.wall()
        rows = await self._database.read(
            "SELECT account FROM staff_sessions WHERE hash = $1 AND created_at >= $2", hashed, now - SIGNED_IN_FOR
        )
        if not rows or now - self._used.get(hashed, now) > IDLE_FOR:
            return None
        self._used[hashed] = now
        return str(rows[0]["account"])

    async def close(self, token: str | None) -> None:
        """Sign out. Harmless when nobody was signed in."""
        if token:
            await self._database.write(Statement("DELETE FROM staff_sessions WHERE hash = $1", (digest(token),)))
            self._used.pop(digest(token), None)
