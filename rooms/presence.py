"""Who is here now. Ephemeral: never stored, never numbered; each process says who is connected to it, others believe it
for a while.

A board is merged from announcements that may be lost, repeated or late. Only a process speaks for its own people.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from rooms.pointers import Way

ANNOUNCE_EVERY = 5.0
"""Seconds between two announcements of a process when nothing changes."""
BELIEVED_FOR = 15.0
"""Seconds after which a process that says nothing is taken for gone ([PR2])."""
GRACE = 4.0
"""Seconds for which somebody whose connection ended still counts as here: a refresh is not an absence ([PR3])."""


class Here(msgspec.Struct, frozen=True):
    """Somebody who is here, and how: with three devices they are here once ([PR4])."""

    id: str
    along: bool = True
    away: bool = False


@dataclass(slots=True)
class _Announced:
    number: int
    people: tuple[Here, ...]
    at: float


def _as_one(person: str, ways: Iterable[Way | Here]) -> Here:
    """Along if one of the windows is, away if all of them are."""
    known = list(ways)
    return Here(person, any(way.along for way in known), all(way.away for way in known))


@dataclass(slots=True)
class PresenceBoard:
    """Times are in seconds of the caller's clock, which never goes back."""

    connected: dict[str, dict[str, Way]] = field(default_factory=dict)
    """By participant, how each of their connections is here."""
    lingering: dict[str, tuple[float, Here]] = field(default_factory=dict)
    others: dict[str, _Announced] = field(default_factory=dict)
    since: float | None = None
    """When somebody first asked who is here."""
    last_here: dict[str, float] = field(default_factory=dict)

    def arrive(self, participant: str, connection: str, way: Way) -> None:
        """One more connection of this process belongs to `participant` ([PR1])."""
        self.connected.setdefault(participant, {})[connection] = way
        self.lingering.pop(participant, None)

    def say(self, participant: str, connection: str, way: Way) -> None:
        """A connection that has arrived is here in another way from now on."""
        if connection in self.connected.get(participant, ()):
            self.connected[participant][connection] = way

    def depart(self, participant: str, connection: str, now: float) -> None:
        """A connection of `participant` ended. Of somebody who has been forgotten, nothing comes of it."""
        mine = self.connected.get(participant, {})
        way = mine.pop(connection, None)
        if not mine and way is not None:
            del self.connected[participant]
            self.lingering[participant] = (now + GRACE, _as_one(participant, [way]))

    def forget(self, participant: str) -> None:
        """`participant` left on purpose: no grace."""
        self.connected.pop(participant, None)
        self.lingering.pop(participant, None)

    def here_on_this_process(self, now: float) -> tuple[Here, ...]:
        """What this process announces, by id."""
        self.lingering = {who: until for who, until in self.lingering.items() if until[0] > now}
        people = {who: here for who, (_, here) in self.lingering.items()}
        people.update((who, _as_one(who, ways.values())) for who, ways in self.connected.items())
        return tuple(people[who] for who in sorted(people))

    def hear(self, node: str, number: int, people: Iterable[Here], now: float) -> None:
        """Another process says who is connected to it. `number` grows with each announcement; an older one is late."""
        before = self.others.get(node)
        if before is None or number > before.number:
            self.others[node] = _Announced(number, tuple(people), now)

    def people(self, now: float) -> tuple[Here, ...]:
        """Everybody who counts as here, on any process, by id; and how they are here ([PR4])."""
        self.others = {node: said for node, said in self.others.items() if now - said.at <= BELIEVED_FOR}
        ways: dict[str, list[Here]] = {}
        for here in (*self.here_on_this_process(now), *(each for said in self.others.values() for each in said.people)):
            ways.setdefault(here.id, []).append(here)
        if self.since is None:
            self.since = now
        self.last_here.update(dict.fromkeys(ways, now))
        return tuple(_as_one(who, ways[who]) for who in sorted(ways))

    def here(self, now: float) -> frozenset[str]:
        """Who counts as here, by id."""
        return frozenset(each.id for each in self.people(now))

    def away_for(self, participant: str, now: float) -> float:
        """Seconds since somebody was last seen here. Who was never seen is away since the board began to look."""
        if participant in self.connected:
            return 0.0
        here = self.here(now)
        since = now if self.since is None else self.since
        return 0.0 if participant in here else now - self.last_here.get(participant, since)
