"""Guessing is slowed for who guesses, and for nobody else.

There is no count for an account or for the whole house: whoever emptied it would close the door for its owner.
"""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from collections.abc import Hashable

from rooms.limits import TokenBucket
from server.ports import Clock

TRIES_AT_ONCE = 5
TRY_EVERY = 20.0
"""Seconds until one more try of one name from one place, once `TRIES_AT_ONCE` are used up."""
PLACE_TRIES_AT_ONCE = 30
PLACE_TRY_EVERY = 2.0
"""The same for all names that are tried from one place: a house full of workers may be behind one address."""
REMEMBERED = 4096
"""Places, and names tried from a place. The one that was used longest ago is forgotten first, and may try again."""


class Tries:
    """Who may try to sign in now."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places = _Buckets(1 / PLACE_TRY_EVERY, PLACE_TRIES_AT_ONCE)
        self._names = _Buckets(1 / TRY_EVERY, TRIES_AT_ONCE)

    def take(self, login: str, peer: str) -> bool:
        """One try of `login` from the address `peer`. Names of no account count too, or they would stand out."""
        now, place = self._clock.monotonic(), place_of(peer)
        return self._places.take(place, now) and self._names.take((login, place), now)

    def lately(self, peer: str) -> float:
        """How many tries came from this place lately."""
        return self._places.used(place_of(peer), self._clock.monotonic())

    def forget(self, login: str, peer: str) -> None:
        """It was the right password: the next mistake is the first one again."""
        self._names.forget((login, place_of(peer)))


class CodeTries:
    """Who may try a code of the second step now.

    Here there is a count for the account, from wherever it is tried. Whoever comes this far has the password; six
    digits are soon guessed from many places; and a new password takes the guesser's chance away.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._places = _Buckets(1 / PLACE_TRY_EVERY, PLACE_TRIES_AT_ONCE)
        self._accounts = _Buckets(1 / TRY_EVERY, TRIES_AT_ONCE)

    def take(self, account: str, peer: str) -> bool:
        """One try for `account` from the address `peer`."""
        now = self._clock.monotonic()
        return self._places.take(place_of(peer), now) and self._accounts.take(account, now)

    def forget(self, account: str) -> None:
        """It was the right code: the next mistake is the first one again."""
        self._accounts.forget(account)


class _Buckets:
    def __init__(self, rate: float, burst: float) -> None:
        self._rate = rate
        self._burst = burst
        self._buckets: OrderedDict[Hashable, TokenBucket] = OrderedDict()

    def take(self, key: Hashable, now: float) -> bool:
        bucket = self._buckets.setdefault(key, TokenBucket.full(self._rate, self._burst, now))
        self._buckets.move_to_end(key)
        if len(self._buckets) > REMEMBERED:
            self._buckets.popitem(last=False)
        return bucket.take(now)

    def used(self, key: Hashable, now: float) -> float:
        bucket = self._buckets.get(key)
        return 0.0 if bucket is None else self._burst - bucket.left(now)

    def forget(self, key: Hashable) -> None:
        self._buckets.pop(key, None)


def place_of(peer: str) -> str:
    """The address, or the network of an IPv6 address: there one household has more addresses than can be counted."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""  # Nobody has such an address; they all share one place.
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((int(address), 64), strict=False).network_address)
