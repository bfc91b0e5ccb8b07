"""What accounts, invitations and tickets need of the vault."""

from __future__ import annotations

from typing import Protocol


class HouseSeal(Protocol):
    """Seals what belongs to the house. What was sealed for one place does not open for another; what was given a
    fingerprint is found again by it."""

    def seal_house(self, content: bytes, *place: str | int) -> bytes: ...

    def fingerprint(self, content: bytes, *place: str | int) -> str: ...

    def open_house(self, sealed: bytes, *place: str | int) -> bytes: ...


class Seal(Protocol):
    """One key."""

    def seal(self, content: bytes, *place: str | int) -> bytes: ...

    def open(self, sealed: bytes, *place: str | int) -> bytes: ...


class RoomSeal(Protocol):
    """Gives a room a key of its own, for what outlasts its sessions."""

    def new_room_key(self, room: str) -> tuple[Seal, bytes]:
        """A fresh key, and the wrapped form that is kept beside the room."""

    def unwrap_room(self, wrapped: bytes, room: str) -> Seal: ...


class SessionKeys(Protocol):
    async def of(self, session: str) -> Seal | None:
        """The key of a session, under which everything of it is sealed; None when it has been destroyed."""
