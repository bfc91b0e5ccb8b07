"""Who is signed in: a cookie for staff, remembered by its hash.

A sign-in lasts a working day, and ends before if it is not used for the minutes that the clinic has set. When it was
last used is known in memory only: to look at the desk writes nothing. After a new start of the server these minutes
begin anew, the day does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

import msgspec

from server.identity.tickets import SIGNED_IN_FOR, tickets_of_account_end, tickets_of_sign_in_end
from server.identity.tokens import digest, new_token
from server.ports import Clock, Conflict, Database, Statement


def staff_cookie(secure: bool) -> str:
    """Name of the cookie. With `__Host-` no other host, and no part of this one, can put one of its own in its place;
    browsers take that over https only."""
    return "__Host-copage_staff" if secure else "copage_staff"


class Stage(StrEnum):
    """How far a sign-in has come. Only `IN` opens anything but the page of its stage."""

    IN = "in"
    CODE = "code"
    SET_UP = "set_up"


class SignIn(msgspec.Struct, frozen=True):
    """What a cookie stands for. `hashed`: the hash of its value, under which tickets are given."""

    hashed: str
    account: str
    stage: Stage


class StaffSessions:
    """The sign-ins of all accounts."""

    def __init__(self, database: Database, clock: Clock, idle_minutes: int) -> None:
        self._database = database
        self._clock = clock
        self._idle_for = idle_minutes * 60 * 1000
        self._used: dict[str, int] = {}
        """When each sign-in was last used, by its hash. An idle one stays until its day is over, or it would revive."""

    async def open(self, account: str, stage: Stage = Stage.IN, *also: Statement) -> str:
        """Sign `account` in; gives the value of the cookie. Old sign-ins of everybody are cleared away on the way.

        Args:
            also: written in the same transaction, before.

        Raises:
            Conflict: a statement in `also` did not fit. Nobody is signed in.
        """
        token = new_token()
        now = self._clock.wall()
        await self._database.write(
            *also,
            Statement("DELETE FROM staff_sessions WHERE created_at < $1", (now - SIGNED_IN_FOR,)),
            Statement(
                "INSERT INTO staff_sessions (hash, account, created_at, stage) VALUES ($1, $2, $3, $4)",
                (digest(token), account, now, stage.value),
            ),
        )
        self._used = {hashed: used for hashed, used in self._used.items() if used >= now - SIGNED_IN_FOR}
        self._used[digest(token)] = now
        return token

    async def advance(self, token: str, of: Stage, *also: Statement) -> str | None:
        """Complete a sign-in that stands at `of`; gives the value of the cookie from now on, and the old one is dead.

        None when it does not stand there any more, or a statement in `also` did not fit: then nothing was written.
        """
        new = new_token()
        moving = Statement(
            "UPDATE staff_sessions SET hash = $1, stage = $2 WHERE hash = $3 AND stage = $4",
            (digest(new), Stage.IN.value, digest(token), of.value),
            rows=1,
        )
        try:
            await self._database.write(*also, moving)
        except Conflict:
            return None
        self._used.pop(digest(token), None)
        self._used[digest(new)] = self._clock.wall()
        return new

    async def check(self, token: str | None, *, counts: bool = True) -> SignIn | None:
        """What a cookie stands for; None when it signs nobody in (any more). `counts`: asking is using."""
        known = await self._find(token)
        if known is None:
            return None
        if counts:
            self._used[known[0].hashed] = self._clock.wall()
        return known[0]

    async def idle_left(self, token: str | None) -> int | None:
        """Seconds until this sign-in ends if nobody uses it; None when it has ended. Asking is not using."""
        known = await self._find(token)
        if known is None:
            return None
        sign_in, created = known
        now = self._clock.wall()
        idle_at = self._used.get(sign_in.hashed, now) + self._idle_for
        return (min(idle_at, created + SIGNED_IN_FOR) - now) // 1000

    def used(self, hashed: str) -> None:
        """A sign-in was used in another way: a live session is no idleness. One that has ended does not revive."""
        if not self._is_idle(hashed):
            self._used[hashed] = self._clock.wall()

    async def close(self, token: str | None) -> str | None:
        """Sign out; gives the hash of the sign-in that ended, if one did."""
        if not token:
            return None
        ended, _ = await self._database.write(
            Statement("DELETE FROM staff_sessions WHERE hash = $1 RETURNING hash", (digest(token),)),
            tickets_of_sign_in_end(digest(token), self._clock.wall()),
        )
        self._used.pop(digest(token), None)
        return digest(token) if ended else None

    async def close_all(self, account: str, but: str | None = None) -> Sequence[str]:
        """Sign `account` out everywhere, but for the cookie `but`. Gives the hashes of the sign-ins that ended."""
        ended, _ = await self._database.write(*ending(account, self._clock.wall(), but))
        return [str(row["hash"]) for row in ended]

    async def end_idle(self) -> Sequence[str]:
        """End the sign-ins that nobody has used for the clinic's minutes. Gives their hashes."""
        rows = await self._database.read("SELECT hash FROM staff_sessions")
        idle = [hashed for hashed in (str(row["hash"]) for row in rows) if self._is_idle(hashed)]
        for hashed in idle:
            await self._database.write(
                Statement("DELETE FROM staff_sessions WHERE hash = $1", (hashed,)),
                tickets_of_sign_in_end(hashed, self._clock.wall()),
            )
        return idle

    async def _find(self, token: str | None) -> tuple[SignIn, int] | None:
        """The sign-in, and when it began."""
        if not token:
            return None
        hashed = digest(token)
        rows = await self._database.read(
            "SELECT account, stage, created_at FROM staff_sessions WHERE hash = $1 AND created_at >= $2",
            hashed,
            self._clock.wall() - SIGNED_IN_FOR,
        )
        if not rows or self._is_idle(hashed):
            return None
        [row] = rows
        created = row["created_at"]
        assert isinstance(created, int)
        return SignIn(hashed, str(row["account"]), Stage(str(row["stage"]))), created

    def _is_idle(self, hashed: str) -> bool:
        """A sign-in of which nothing is known yet, after a new start of the server, begins to be idle now."""
        now = self._clock.wall()
        return now - self._used.setdefault(hashed, now) > self._idle_for


def still_works(hashed: str) -> Statement:
    """The statement that fits while the sign-in of this hash holds, and its account is a worker's: for the transaction
    of a ticket that is given under it."""
    return Statement(
        "UPDATE staff_sessions SET stage = stage WHERE hash = $1 AND EXISTS (SELECT 1 FROM accounts "
        "WHERE id = staff_sessions.account AND disabled = 0 AND ',' || roles || ',' LIKE '%,worker,%')",
        (hashed,),
        rows=1,
    )


def ending(account: str, now: int, but: str | None = None) -> tuple[Statement, Statement]:
    """The statements that end all sign-ins of an account but that of the cookie `but`, of which the first gives their
    hashes, and the tickets that were given under them: for the transaction of whatever ends them."""
    kept = digest(but) if but else ""
    return (
        Statement("DELETE FROM staff_sessions WHERE account = $1 AND hash <> $2 RETURNING hash", (account, kept)),
        tickets_of_account_end(account, now, kept),
    )
