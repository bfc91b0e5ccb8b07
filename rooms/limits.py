"""Sizes and rates. One place, so that a bound is never a number in the middle of something else."""

from __future__ import annotations

from dataclasses import dataclass

PARTICIPANTS_PER_SESSION = 8
NAME_LETTERS = 40
DEVICES_REMOVED = 64
"""How many devices can be put out of one session. Whoever still has more to put out ends it."""

WINDOWS_PER_PARTICIPANT = 16
SKIPPED_REMEMBERED = 64
COMMANDS_IN_FLIGHT = 8
"""How many unanswered commands a client keeps on the wire. The server accepts more: [LM2] is what stops a flood."""

COMMAND_BYTES = 8 * 1024
FRAME_BYTES = 256 * 1024
JSON_DEPTH = 16
NUMBER_MAX = 2**31 - 1
ID_LETTERS = 64


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
