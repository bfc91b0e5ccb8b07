"""Who is here now. Ephemeral: never stored, never numbered; each process says who is connected to it, others believe it
for a while.

A board is merged from announcements that may be lost, repeated or late. Only a process speaks for its own people.
"""

from __future__ import annotations

from dataclasses import dataclass, field

ANNOUNCE_EVERY = 5.0
"""Seconds between two announcements of a process when nothing changes."""
BELIEVED_FOR = 15.0
"""Seconds after which a process that says nothing is taken for gone ([PR2])."""
GRACE = 4.0
"""Seconds for which somebody whose connection ended still counts as here: a refresh is not an absence ([PR3])."""


@dataclass(slots=True)
class _Announced:
    number: int
    participants: frozenset[str]
    at: float


@dataclass(slots=True)
class PresenceBoard:
    """Times are in seconds of the caller's clock, which never goes back."""

    connected: dict[str, int] = field(default_factory=dict)
    lingering: dict[str, float] = field(default_factory=dict)
    others: dict[str, _Announced] = field(default_factory=dict)
    since: float | None = None
    """When somebody first asked who is here."""
    last_here: dict[str, float] = field(default_factory=dict)

    def arrive(self, participant: str) -> None:
        """One more connection of this process belongs to `participant` ([PR1])."""
        self.connected[participant] = self.connected.get(participant, 0) + 1
        self.lingering.pop(participant, None)

    def depart(self, participant: str, now: float) -> None:
        """A connection of `participant` ended. Of somebody who has been forgotten, nothing comes of it."""
        left = self.connected.pop(participant, 0) - 1
        if left > 0:
            self.connected[participant] = left
        elif left == 0:
            self.lingering[participant] = now + GRACE

    def forget(self, participant: str) -> None:
        """`participant` left on purpose: no grace."""
        self.connected.pop(participant, None)
        self.lingering.pop(participant, None)

    def here_on_this_process(self, now: float) -> frozenset[str]:
        """What this process announces."""
        self.lingering = {who: until for who, until in self.lingering.items() if until > now}
        return frozenset(self.connected) | frozenset(self.lingering)

    def hear(self, node: str, number: int, participants: frozenset[str], now: float) -> None:
        """Another process says who is connected to it. `number` grows with each announcement; an older one is late."""
        before = self.others.get(node)
        if before is None or number > before.number:
            self.others[node] = _Announced(number, participants, now)

    def here(self, now: float) -> frozenset[str]:
        """Everybody who counts as here, on any process."""
        self.others = {node: said for node, said in self.others.items() if now - said.at <= BELIEVED_FOR}
        here = self.here_on_this_process(now).union(*(said.participants for said in self.others.values()))
        if self.since is None:
            self.since = now
        self.last_here.update(dict.fromkeys(here, now))
        return here

    def away_for(self, participant: str, now: float) -> float:
        """Seconds since somebody was last seen here. Who was never seen is away since the board began to look."""
        if participant in self.connected:
            return 0.0
        here = self.here(now)
        since = now if self.since is None else self.since
        return 0.0 if participant in here else now - self.last_here.get(participant, since)
