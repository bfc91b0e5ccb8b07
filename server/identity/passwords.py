"""Passwords: argon2id, slow on purpose, so in a thread, and only a few at once.

Whoever floods the sign-in from many addresses must not close it for everybody. So who waits for a hash comes up in the
order of the gate for codes: first from where the fewest tries came lately, then who came last.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHES_AT_ONCE = 2
"""A hash takes 64 MB and a tenth of a second of a core: more at once would be a way to bring the server down."""
IN_LINE = 50
"""Hashes that wait. When there are more, the last in order has to leave the line."""
PATIENCE = 6.0
"""Seconds that one waits."""


class Crowded(Exception):
    """There was no turn. Nothing was begun; in a moment there may be room."""


class _Waiting:
    """One that waits for a turn. `order`: smaller comes first."""

    def __init__(self, lately: float, number: int) -> None:
        self.order = (round(lately), -number)
        self.turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()


class Passwords:
    """Makes and compares hashes. One for the whole process: the bound is its own."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._free = HASHES_AT_ONCE
        self._line: list[_Waiting] = []
        self._numbers = count()
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """What is stored of `password`. Raises `Crowded`."""
        async with self._turn():
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str, password: str, lately: float = 0.0) -> bool:
        """Whether `stored` was made of `password`. `lately`: how many tries came from there. Raises `Crowded`."""
        async with self._turn(lately):
            try:
                return await asyncio.to_thread(self._hasher.verify, stored, password)
            except (VerificationError, InvalidHashError):
                return False

    async def hash_of_nobody(self) -> str:
        """Something to compare with where there is no account: it has to take as long. Raises `Crowded`."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        return self._nobody

    def is_old(self, stored: str) -> bool:
        """Whether a hash made today would be stronger."""
        return self._hasher.check_needs_rehash(stored)

    @asynccontextmanager
    async def _turn(self, lately: float = 0.0) -> AsyncIterator[None]:
        await self._comes_up(_Waiting(lately, next(self._numbers)))
        try:
            yield
        finally:
            self._free += 1
            self._let_in()

    async def _comes_up(self, one: _Waiting) -> None:
        self._line.append(one)
        self._let_in()
        if len(self._line) > IN_LINE:
            last = max(self._line, key=lambda each: each.order)
            self._line.remove(last)
            last.turn.set_exception(Crowded())
        try:
            async with asyncio.timeout(PATIENCE):
                await asyncio.shield(one.turn)
        except BaseException as error:
            if one in self._line:
                self._line.remove(one)
            elif one.turn.done() and one.turn.exception() is None:
                self._free += 1  # It came up in the very moment in which nobody waited for it any more.
                self._let_in()
            if isinstance(error, TimeoutError):
                raise Crowded from None
            raise

    def _let_in(self) -> None:
        while self._free and self._line:
            first = min(self._line, key=lambda each: each.order)
            self._line.remove(first)
            self._free -= 1
            first.turn.set_result(None)
