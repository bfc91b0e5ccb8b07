"""Invitations as they stand in the tables, without what made them."""

from __future__ import annotations

from server.ports import Database, Statement


async def invite(database: Database, *people: str) -> None:
    """An invitation whose hash is the person's name, to an open session of their own."""
    await database.write(*(statement for person in people for statement in _inviting(person)))


def _inviting(person: str) -> tuple[Statement, Statement]:
    session = f"session of {person}"
    return (
        Statement(
            "INSERT INTO sessions (id, room, key, practice, made_at, opened_at) VALUES ($1, $2, $3, 0, 1, 1)",
            (session, f"room of {person}", b""),
            rows=1,
        ),
        Statement(
            "INSERT INTO invitations (hash, room, session, role, sealed, created_at) "
            "VALUES ($1, $2, $3, 'service_user', $4, 1)",
            (person, f"room of {person}", session, b""),
            rows=1,
        ),
    )
