"""What really happened in a world: the log as the store took it, whatever was trimmed since, and what may not be."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from rooms import Document, Position, Recorded, Room, replay, why_not
from rooms.events import NotesWritten


class Ledger:
    """Every event at the moment it was committed, in that order; and a list of broken promises."""

    def __init__(self, empty: Room) -> None:
        self.empty = empty
        self.events: list[Recorded] = []
        self._rooms = [empty]
        self.problems: list[str] = []

    def broken(self, problem: str) -> None:
        self.problems.append(problem)

    def committed(self, after: Position, events: Sequence[Recorded]) -> None:
        """The store has said yes. `after` has to be the end of the log: that is what compare-and-append promises."""
        if after != self.position:
            self.broken(f"the store took events after {after}, but its log was at {self.position}")
        self.events.extend(events)
        for recorded in events:
            self._rooms.append(replay(self._rooms[-1], [recorded]))

    @property
    def position(self) -> Position:
        if not self.events:
            return self.empty.position
        return Position(self.empty.epoch, self.events[-1].seq, self.events[-1].tail)

    def told(self, to: str, frames: Iterable[dict[str, Any]]) -> None:
        """Somebody is being shown these events. Commit, then tell: every one of them has to be in the log already."""
        for frame in frames:
            seq, tail = frame["seq"], frame["tail"]
            if seq > len(self.events) or self.events[seq - 1].tail != tail:
                self.broken(f"{to} was told event {seq} ({tail}), which is not in the log")

    def shown(self, to: str, seq: int, participant: str) -> None:
        """Somebody is being brought to this number, on their only device. Who was put out by then gets nothing: [PT9]
        [PT11]."""
        room = self.room_at(seq)
        if room is not None and why_not(room, participant, participant) == "removed":
            self.broken(f"{to} was put out, and is brought to {seq}")

    def room_at(self, seq: int) -> Room | None:
        """The room as it was at this number; None if it has not come that far."""
        return self._rooms[seq] if seq < len(self._rooms) else None

    def room(self) -> Room:
        """The replay of the log."""
        return replay(self.empty, self.events)

    def words(self) -> Document:
        """The words of the notes, as the log makes them."""
        words = Document()
        for recorded in self.events:
            if isinstance(recorded.event, NotesWritten):
                words.keep(recorded.event.update)
        return words

    def of_window(self, window: str) -> list[Recorded]:
        return [recorded for recorded in self.events if recorded.stamp is not None and recorded.stamp.window == window]
