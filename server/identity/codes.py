"""A short code that can be said on the telephone. It leads to the waiting page of one invitation, and no further.

Eight letters of 32 are 40 bits: with the installation's key missing nobody can try them offline (`fingerprint`), and
how fast they can be tried here is for `gate.py` to say.
"""

from __future__ import annotations

import secrets
import unicodedata

from server.identity.sealing import HouseSeal
from server.ports import Clock, Database, Statement

LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""All digits and letters but I, L, O and U.

These four are what people take for another one: I and L for 1, O for 0, U for V. So each of them, when it is written,
can only mean the one it is taken for. There are but 31 digits and consonants, so some vowels have to stay: A and E,
with which the fewest words can be spelled that nobody wants to be given.
"""
MEANT = str.maketrans("ILOU", "110V")
LENGTH = 8
WRITTEN_AT_MOST = 64
"""Signs, with all that may stand between the letters. A longer text is no code."""
LIVES_FOR = 15 * 60 * 1000
"""Milliseconds for which a code works."""


def clean(text: str) -> str | None:
    """The eight letters that were meant by what somebody wrote; None if they cannot be told.

    Small letters, blanks, hyphens, dots and the like between them make no difference.
    """
    if len(text) > WRITTEN_AT_MOST:
        return None
    plain = unicodedata.normalize("NFKC", text).upper()
    code = "".join(letter for letter in plain if letter.isalnum()).translate(MEANT)
    return code if len(code) == LENGTH and set(code) <= set(LETTERS) else None


def shown(code: str) -> str:
    """A code as it is read and said: in two halves."""
    return f"{code[: LENGTH // 2]}-{code[LENGTH // 2 :]}"


class Codes:
    """The codes of all invitations. An invitation has one at most; it is named by its stored hash."""

    def __init__(self, database: Database, vault: HouseSeal, clock: Clock) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock

    async def make(self, invitation: str) -> str:
        """A new code for an invitation, in place of the one it had.

        Raises:
            Conflict: another invitation has the very same code, once in some thousand million times. Nothing changed.
        """
        code = "".join(secrets.choice(LETTERS) for _ in range(LENGTH))
        hashed = self._hash(code)
        sealed = self._vault.seal_house(code.encode(), "codes", hashed)
        await self._database.write(
            Statement("DELETE FROM codes WHERE invitation = $1", (invitation,)),
            Statement(
                "INSERT INTO codes (hash, invitation, sealed, created_at) VALUES ($1, $2, $3, $4)",
                (hashed, invitation, sealed, self._clock.wall()),
                rows=1,
            ),
        )
        return code

    async def current(self, invitation: str) -> str | None:
        """The code of an invitation, to show it again; None if it has none that is good."""
        rows = await self._database.read(
            "SELECT hash, sealed FROM codes WHERE invitation = $1 AND created_at > $2",
            invitation,
            self._too_old(self._clock.wall()),
        )
        for row in rows:
            sealed = row["sealed"]
            assert isinstance(sealed, bytes)
            return self._vault.open_house(sealed, "codes", str(row["hash"])).decode()
        return None

    async def find(self, code: str) -> str | None:
        """The hash of the invitation that a code (as `clean` gives it) leads to; None for one that is not live.

        One question, whatever the reason: never made, too old, or its invitation used, revoked or over.
        """
        rows = await self._database.read(
            "SELECT c.invitation FROM codes AS c "
            "JOIN invitations AS i ON i.hash = c.invitation JOIN sessions AS s ON s.id = i.session "
            "WHERE c.hash = $1 AND c.created_at > $2 AND i.used_at IS NULL AND i.revoked_at IS NULL "
            "AND i.over_at IS NULL AND s.ended_at IS NULL",
            self._hash(code),
            self._too_old(self._clock.wall()),
        )
        return str(rows[0]["invitation"]) if rows else None

    async def forget_old(self) -> None:
        """Delete the codes that are not good any more."""
        before = self._too_old(self._clock.wall())
        await self._database.write(Statement("DELETE FROM codes WHERE created_at <= $1", (before,)))

    def _hash(self, code: str) -> str:
        return self._vault.fingerprint(code.encode(), "codes")

    def _too_old(self, now: int) -> int:
        return now - LIVES_FOR
