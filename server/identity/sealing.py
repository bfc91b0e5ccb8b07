"""What accounts and invitations need of the vault."""

from __future__ import annotations

from typing import Protocol


class HouseSeal(Protocol):
    """Seals what belongs to the house. What was sealed for one place does not open for another; what was given a
    fingerprint is found again by it."""

    def seal_house(self, content: bytes, *place: str | int) -> bytes: ...

    def fingerprint(self, content: bytes, *place: str | int) -> str: ...

    def open_house(self, sealed: bytes, *place: str | int) -> bytes: ...
