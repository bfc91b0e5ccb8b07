"""Sizes and rates. One place, so that a bound is never a number in the middle of something else."""

from __future__ import annotations

from dataclasses import dataclass

PARTICIPANTS_PER_SESSION = 8
NAME_LETTERS = 40
DEVICES_REMOVED = 64
"""How many devices can be put out of one session. Whoever still has more to put out ends it."""

SUGGESTIONS = 7
"""How many pages can be suggested at a time."""
WINDOWS_PER_PARTICIPANT = 16
SKIPPED_REMEMBERED = 64
COMMANDS_IN_FLIGHT = 8
"""How many unanswered commands a client keeps on the wire. The server accepts more: [LM2] is what stops a flood."""

COMMAND_BYTES = 8 * 1024
WRITE_BYTES = 160 * 1024
"""Of a packet that writes into the notes: 100 KB that are put back by one *redo* are one update, in base64."""
FRAME_BYTES = 256 * 1024
JSON_DEPTH = 16
NUMBER_MAX = 2**31 - 1
ID_LETTERS = 64

NOTES_UPDATE_BYTES = 118 * 1024
STRUCTS_PER_UPDATE = 500
RANGES_PER_UPDATE = 4_000
CLIENT_ID_MAX = 2**32 - 1
CLOCK_MAX = 2**31 - 1
BOX_BYTES = 200_000
"""How much a box of the notes holds, in bytes of UTF-8: as many letters of English, half as many of Greek."""
UNITS_PER_SESSION = 4_000_000
"""How much can be written in one session in all, deleted again or not: what was deleted still takes some room."""
WRITERS_PER_SESSION = 10_000
"""How many windows can write into the notes of one session."""
WRITERS_PER_PARTICIPANT = 64
"""How many of the windows that a participant wrote in last may still write."""
PASSAGE_UNITS = 40
"""A passage that is longer than this and is deleted at once can be brought back."""
PASSAGES_KEPT = 200
PASSAGES_UNITS = 400_000
"""Of one's own words that one deleted oneself, the oldest go when there are more than this."""
BLOCK_LETTERS = 48
"""Letters of the id of a block: that of a choice is made of a page's id."""
UNITS_IN_BLOCK = 65_536
PASSING_BYTES = 1024
"""Of a packet that says something in passing: a pointer, a place, how somebody is here."""
PASSING_PER_SECOND = 40.0
"""How much of that is passed on from one connection."""
WRITES_ON_FOR = 900.0
"""Seconds for which others may write on after the service user's connection was lost."""


@dataclass(slots=True)
class TokenBucket:
    """How often something may happen: `rate` times a second, and `burst` times at once. Time is passed in ([LM2])."""

    rate: float
    burst: float
    tokens: float
    at: float

    @classmethod
    def full(cls, rate: float, burst: float, now: float) -> TokenBucket:
        return cls(rate, burst, burst, now)

    def take(self, now: float) -> bool:
        """Use one token if there is one. `now` is in seconds of any clock that never goes back."""
        self.tokens = self.left(now)
        self.at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def left(self, now: float) -> float:
        """How many tokens there are. Asking uses none."""
        return min(self.burst, self.tokens + (now - self.at) * self.rate)

    def give_back(self) -> None:
        """One that was taken was not needed."""
        self.tokens += 1
