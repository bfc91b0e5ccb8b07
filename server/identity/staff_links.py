"""The one-time link by which a person takes up an account: the first time, and after a reset."""

from __future__ import annotations

from server.identity.tokens import digest, new_token
from server.ports import Clock, Database, Statement

LIVES_FOR = 7 * 24 * 3600 * 1000
"""Milliseconds for which a link works. After that an admin makes a new one."""


class StaffLinks:
    """Looking at a link uses nothing up. An account has one link at most: a newer one replaces it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def making(self, account: str) -> tuple[str, tuple[Statement, ...]]:
        """A new link's token, and what makes it real: for the transaction that makes or resets the account."""
        token = new_token()
        return token, (
            Statement("DELETE FROM staff_links WHERE account = $1", (account,)),
            Statement(
                "INSERT INTO staff_links (hash, account, created_at) VALUES ($1, $2, $3)",
                (digest(token), account, self._clock.wall()),
                rows=1,
            ),
        )

    async def account_of(self, token: str) -> str | None:
        """The account that a link is for; None when it does not work (any more). Changes nothing."""
        rows = await self._database.read(
            "SELECT account FROM staff_links WHERE hash = $1 AND used_at IS NULL AND created_at > $2",
            digest(token),
            self._clock.wall() - LIVES_FOR,
        )
        return str(rows[0]["account"]) if rows else None

    def using_up(self, token: str) -> Statement:
        """The statement that uses the link up: for the transaction that takes the account up."""
        return Statement(
            "UPDATE staff_links SET used_at = $1 WHERE hash = $2 AND used_at IS NULL",
            (self._clock.wall(), digest(token)),
            rows=1,
        )
