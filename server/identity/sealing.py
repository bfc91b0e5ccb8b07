"""What accounts and invitations need of the vault."""

from __future__ import annotations

from typing import Protocol


class HouseSeal(Protocol):
    """Seals what belongs to the house. What was sealed for one place does not open for another."""

    def seal_house(self, content: bytes, *place: str | int) -> bytes: ...

    def open_house(self, sealed: bytes, *place: str | int) -> bytes: ...
