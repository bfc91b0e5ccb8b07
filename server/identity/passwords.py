"""Passwords: argon2id, slow on purpose, so in a thread, and only a few at once."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHES_AT_ONCE = 2
"""A hash takes 64 MB and a tenth of a second of a core: more at once would be a way to bring the server down."""


class Passwords:
    """Makes and compares hashes. One for the whole process: the bound is its own."""

    def __init__(self) -> None:
        self._hasher = PasswordHasher()
        self._hashing = asyncio.Semaphore(HASHES_AT_ONCE)
        self._nobody: str | None = None

    async def hash(self, password: str) -> str:
        """What is stored of `password`."""
        async with self._hashing:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def verify(self, stored: str, password: str) -> bool:
        """Whether `stored` was made of `password`."""
        async with self._hashing:
            try:
                return await asyncio.to_thread(self._hasher.verify, stored, password)
            except (VerificationError, InvalidHashError):
                return False

    async def hash_of_nobody(self) -> str:
        """Something to compare with where there is no account: it has to take as long."""
        if self._nobody is None:
            self._nobody = await self.hash("nobody has this password")
        return self._nobody

    def is_old(self, stored: str) -> bool:
        """Whether a hash made today would be stronger."""
        return self._hasher.check_needs_rehash(stored)
