"""What changes at accounts need of live connections."""

from __future__ import annotations

from typing import Protocol


class PutsOut(Protocol):
    """Ends what people have open. Called after the change is on disk; doing it twice is harmless."""

    async def account(self, account: str) -> None:
        """Nobody is in a session by a ticket of this account any more."""

    async def sign_in(self, hashed: str) -> None:
        """Nobody is in a session by a ticket that was given under this sign-in any more."""
