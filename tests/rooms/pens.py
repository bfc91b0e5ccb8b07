"""What windows write into the notes, made with the library that browsers' updates are compatible with."""

from __future__ import annotations

from typing import Any

from pycrdt import Doc, Text

from rooms.notes import BOXES


class Pen:
    """A window's own document, in which one box is written. Each act gives the update that it made."""

    def __init__(self, box: str, client: int) -> None:
        self.doc: Doc[Any] = Doc(client_id=client)
        self.texts = {name: self.doc.get(name, type=Text) for name in BOXES}
        self.text = self.texts[box]
        self._updates: list[bytes] = []
        self.doc.observe(lambda event: self._updates.append(event.update))

    def types(self, words: str, at: int | None = None) -> bytes:
        """At the end, or at a place in bytes of UTF-8."""
        self.text.insert(len(self.text) if at is None else at, words)
        return self._updates[-1]

    def deletes(self, start: int, end: int) -> bytes:
        """From one place to another, in bytes of UTF-8."""
        del self.text[start:end]
        return self._updates[-1]

    def hears(self, *updates: bytes) -> None:
        """What others have written."""
        for update in updates:
            self.doc.apply_update(update)
