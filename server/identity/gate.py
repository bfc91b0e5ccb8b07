"""Who may have a code looked at, when, and how long the answer takes: guessing is slow, and nobody else is kept out.

What guessing can come to. A code is one of 32^8 = 1.1 · 10^12. A guess hits one of 200 live codes once in 5.5 · 10^9.
At one wrong code a second, 31.5 million a year, that any guess of a year hits has a chance of 0.57 %; and a hit leads
to the waiting page, where a person looks who it is. So there is one bucket of tries for the whole service, which
fills by one a second, and a wrong code takes one out. A right code takes nothing.

What is not used is saved, up to 20,000 tries, as many as come in five and a half quiet hours. So a flood of wrong
codes, 10,000 at once from wherever, finds the bucket half full, and keeps nobody waiting. Saving adds 0.0004 % to the
chance of a year, and as much again with every new start of the server, which begins with a full bucket.

Nobody alone can use that up. Of one place (`tries.place_of`) 30 wrong tries are looked at, then one in 15 seconds:
what a place had of wrong tries halves in five minutes. Many people behind one address come in all the same, because
right codes do not count. One text is looked at 5 times, then once in 19 seconds, wherever it comes from.

Whatever cannot be looked at now stands in line for a few seconds: first who had the fewest wrong tries lately, then
who came last, since with others always coming, to be fair by age would be to serve those who have given up. Who does
not come up is told to wait a moment: nothing was looked at, so nothing is learnt, and the next try may come up at
once.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from itertools import count
from random import SystemRandom
from typing import Final, Protocol, TypeAlias

import msgspec

from rooms.limits import TokenBucket
from server.identity.codes import clean
from server.identity.tries import place_of
from server.ports import Clock

TRIES_PER_SECOND: Final = 1.0
"""Wrong codes that are looked at in the whole service, in the long run."""
TRIES_SAVED: Final = 20_000
"""How many more when there were fewer before: twice what a flood is judged by."""
OF_ONE_PLACE: Final = 30
PLACE_HALVES_IN: Final = 300.0
"""Wrong tries of a place that are looked at, and the seconds in which half of them are forgotten."""
OF_ONE_TEXT: Final = 5
TEXT_HALVES_IN: Final = 60.0
"""The same for one text, from wherever it comes."""
REMEMBERED: Final = 16_384
"""Places, and texts, that had wrong tries lately. The one that was wrong longest ago is forgotten first."""
LINE: Final = 100
"""Tries in line. When there are more, the last in order has to leave it."""
PATIENCE: Final = 6.0
"""Seconds that a try stands in line."""
PUT_OUT_AFTER: Final = 1.0
"""Seconds after which a try that found the line full is told so: at once, it would be back at once."""
LOOK_EVERY: Final = 0.25
"""Seconds after which it is looked again whose turn it is."""
ANSWER_AFTER: Final = 0.25
"""Seconds after which it is said that a code is not live: far longer than it takes to look, whatever is found."""
BLUR: Final = 0.25
"""Up to this part of it more, by chance: timers wake by whole milliseconds, and what is beyond would still show."""
CHANCE: Final = SystemRandom().random
LOOKED_AT_ONCE: Final = 4
"""A flood of codes shares the database with everybody who came by a link: it may ask this often at once."""


class Lookup(Protocol):
    """What the gate needs of `Codes`."""

    async def find(self, code: str) -> str | None: ...


class Found(msgspec.Struct, frozen=True):
    """The code is live. `code`: its eight letters; `invitation`: the hash of where it leads."""

    invitation: str
    code: str

    def __repr__(self) -> str:
        return "Found()"


class NotLive(msgspec.Struct, frozen=True):
    """The code leads nowhere now. Why is not said to anybody."""


class Wait(msgspec.Struct, frozen=True):
    """Nothing was looked at. The next try may come up at once."""


Outcome: TypeAlias = Found | NotLive | Wait


class Gate:
    """Every code that somebody writes passes here. One for the whole service; it remembers in memory only."""

    def __init__(
        self,
        codes: Lookup,
        clock: Clock,
        saved: int = TRIES_SAVED,
        answer_after: float = ANSWER_AFTER,
        chance: Callable[[], float] = CHANCE,
    ) -> None:
        """`chance`: a number from 0 to 1, another one each time."""
        self._codes = codes
        self._clock = clock
        self._answer_after = answer_after
        self._chance = chance
        self._service = TokenBucket.full(TRIES_PER_SECOND, saved, clock.monotonic())
        self._places = _Lately(OF_ONE_PLACE, PLACE_HALVES_IN)
        self._texts = _Lately(OF_ONE_TEXT, TEXT_HALVES_IN)
        self._line: list[_Try] = []
        self._let_in_at = float("-inf")
        self._numbers = count()
        self._looking = asyncio.Semaphore(LOOKED_AT_ONCE)

    async def look(self, text: str, peer: str) -> Outcome:
        """What a written code leads to. `peer`: the address from which it is tried."""
        code = clean(text)
        if code is None:
            return await self._not_live(0.0)
        one = _Try(place_of(peer), code, next(self._numbers))
        if not await self._comes_up(one):
            return Wait()
        return await self._look(one)

    async def _comes_up(self, one: _Try) -> bool:
        """Stand in line; whether it came to this one's turn."""
        came = self._clock.monotonic()
        self._line.append(one)
        try:
            if self._has_room(one, came):
                self._let_in()
            self._put_out()
            while one in self._line and self._clock.monotonic() - came < PATIENCE:
                await self._clock.sleep(LOOK_EVERY)
                if self._clock.monotonic() - self._let_in_at >= LOOK_EVERY:  # Else another one has just looked.
                    self._let_in()
        finally:
            if one in self._line:
                self._line.remove(one)
        if not one.is_up:
            await self._clock.sleep(max(0.0, came + PUT_OUT_AFTER - self._clock.monotonic()))
        return one.is_up

    def _let_in(self) -> None:
        """Whoever's turn it is. Each takes what a wrong code costs, before it is known to be one: many look at once."""
        now = self._let_in_at = self._clock.monotonic()
        if self._service.left(now) < 1:
            return
        for one in sorted((each for each in self._line if self._has_room(each, now)), key=self._order):
            if self._has_room(one, now):  # Another one of the same place, or with the same text, may have come up.
                if not self._service.take(now):
                    return
                self._places.add(one.place, 1, now)
                self._texts.add(one.code, 1, now)
                self._line.remove(one)
                one.is_up = True

    def _has_room(self, one: _Try, now: float) -> bool:
        return self._places.has_room(one.place, now) and self._texts.has_room(one.code, now)

    def _put_out(self) -> None:
        if len(self._line) > LINE:
            self._line.remove(max(self._line, key=self._order))

    def _order(self, one: _Try) -> tuple[int, int]:
        now = self._clock.monotonic()
        return round(self._places.count(one.place, now) + self._texts.count(one.code, now)), -one.number

    async def _look(self, one: _Try) -> Outcome:
        wrong = False
        try:
            async with self._looking:
                began = self._clock.monotonic()
                invitation = await self._codes.find(one.code)
            wrong = invitation is None
        finally:
            if not wrong:
                self._give_back(one)
        if invitation is not None:
            return Found(invitation, one.code)
        return await self._not_live(self._clock.monotonic() - began)

    async def _not_live(self, taken: float) -> NotLive:
        """The answer in its time; if it took longer, after twice that, so that it does not show by how much."""
        moment = self._answer_after * (1 + BLUR * self._chance())
        await self._clock.sleep(moment - taken % moment)
        return NotLive()

    def _give_back(self, one: _Try) -> None:
        """It was a right code, or there was no answer at all."""
        now = self._clock.monotonic()
        self._service.give_back()
        self._places.add(one.place, -1, now)
        self._texts.add(one.code, -1, now)


class _Try:
    """One written code on its way. `number` grows: who came later has the higher one."""

    def __init__(self, place: str, code: str, number: int) -> None:
        self.place = place
        self.code = code
        self.number = number
        self.is_up = False


class _Lately:
    """How many wrong tries each of many keys had lately: counts of which half is forgotten in `halves_in` seconds."""

    def __init__(self, limit: int, halves_in: float) -> None:
        self._limit = limit
        self._halves_in = halves_in
        self._counts: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, key: str, now: float) -> float:
        counted, at = self._counts.get(key, (0.0, now))
        return float(counted * 0.5 ** ((now - at) / self._halves_in))

    def has_room(self, key: str, now: float) -> bool:
        return self.count(key, now) + 1 <= self._limit

    def add(self, key: str, change: int, now: float) -> None:
        counted = self.count(key, now) + change
        self._counts.pop(key, None)
        if counted > 0.01:
            self._counts[key] = (counted, now)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
