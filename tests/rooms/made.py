"""Updates of the notes made by hand, byte by byte: honest ones, and all that no library would ever make."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rooms.updates import DELETED, STRING
from rooms.updates import number as number

Id = tuple[int, int]


def text(words: str | bytes) -> bytes:
    raw = words.encode() if isinstance(words, str) else words
    return number(len(raw)) + raw


def struct(
    content: bytes, kind: int = STRING, after: Id | None = None, before: Id | None = None, root: str | None = "looked"
) -> bytes:
    """One struct. Without a neighbour it says in which box it stands."""
    info = kind | (0x80 if after else 0) | (0x40 if before else 0)
    place = b"".join(number(each[0]) + number(each[1]) for each in (after, before) if each)
    if after is None and before is None:
        place = number(1) + text(root or "")
    return bytes([info]) + place + content


def letters(words: str | bytes, after: Id | None = None, before: Id | None = None, root: str = "looked") -> bytes:
    return struct(text(words), STRING, after, before, root)


def gone(length: int, after: Id | None = None) -> bytes:
    """So many units that were written and deleted at once."""
    return struct(number(length), DELETED, after)


def ranges(deleted: Mapping[int, Iterable[Id]] | None = None) -> bytes:
    """Deleted ranges by client id: clock and length each."""
    deleted = deleted or {}
    found = number(len(deleted))
    for client, each in deleted.items():
        listed = list(each)
        found += number(client) + number(len(listed))
        found += b"".join(number(clock) + number(length) for clock, length in listed)
    return found


def update(
    client: int, clock: int, *structs: bytes, deleted: Mapping[int, Iterable[Id]] | None = None, more: bytes = b""
) -> bytes:
    """An update of one writer."""
    return (
        number(1) + number(len(structs)) + number(client) + number(clock) + b"".join(structs) + ranges(deleted) + more
    )


def deletion(deleted: Mapping[int, Iterable[Id]]) -> bytes:
    """An update that only deletes."""
    return number(0) + ranges(deleted)


def nested(depth: int) -> bytes:
    """A value inside a value inside a value: 30 KB of them end a process that applies them."""
    arrays = b"\x75\x01" * depth  # Each an array with one thing in it.
    return number(1) + number(1) + number(7) + number(0) + struct(number(1) + arrays + b"\x7e", 8) + ranges()
