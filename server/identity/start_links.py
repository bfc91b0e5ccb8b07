"""The one-time link that the server prints for its operator: the way in before there is an account."""

from __future__ import annotations

import msgspec

from server.identity.tokens import digest, is_token_of, new_token
from server.ports import Clock, Conflict, Database, Statement

LIVES_FOR = 24 * 3600 * 1000
"""Milliseconds for which a start link works. After that the operator prints a new one."""


class _Found(msgspec.Struct, frozen=True):
    """`bound_to`: the hash of the cookie of the browser that it belongs to; None while it is nobody's."""

    bound_to: str | None


class StartLinks:
    """The first browser that uses a link keeps it: afterwards it opens nothing anywhere else."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def make(self) -> str:
        """A new link's token. Links made before stop working."""
        token = new_token()
        await self._database.write(
            Statement("DELETE FROM start_links WHERE used_at IS NULL"),
            Statement(
                "INSERT INTO start_links (hash, created_at) VALUES ($1, $2)", (digest(token), self._clock.wall())
            ),
        )
        return token

    async def works(self, token: str, browser: str | None) -> bool:
        """Whether this browser may use the link; changes nothing. `browser`: the value of its `copage_start` cookie."""
        found = await self._find(token)
        return found is not None and (found.bound_to is None or is_token_of(browser, found.bound_to))

    async def bind(self, token: str, browser: str | None) -> str | None:
        """Give the link to this browser; the answer is what its cookie must hold from now on.

        None when the link does not work (any more), or belongs to another browser.
        """
        found = await self._find(token)
        if found is None:
            return None
        if found.bound_to is not None:
            return browser if is_token_of(browser, found.bound_to) else None
        new = new_token()  # Also when there is a cookie: somebody else may have put it there, and know it.
        binding = Statement(
            "UPDATE start_links SET browser_hash = $1 WHERE hash = $2 AND used_at IS NULL AND browser_hash IS NULL",
            (digest(new), digest(token)),
            rows=1,
        )
        try:
            await self._database.write(binding)
        except Conflict:
            return None
        return new

    def using_up(self, token: str) -> Statement:
        """The statement that uses the link up: for the transaction that makes the account."""
        return Statement(
            "UPDATE start_links SET used_at = $1 WHERE hash = $2 AND used_at IS NULL",
            (self._clock.wall(), digest(token)),
            rows=1,
        )

    async def _find(self, token: str) -> _Found | None:
        """The link, if it has not been used and is not too old."""
        rows = await self._database.read(
            "SELECT browser_hash AS bound_to FROM start_links WHERE hash = $1 AND used_at IS NULL AND created_at > $2",
            digest(token),
            self._clock.wall() - LIVES_FOR,
        )
        return msgspec.convert(rows[0], _Found) if rows else None
