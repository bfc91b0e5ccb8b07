"""The gate that codes pass: what slows down guessing, and that it keeps out nobody else."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Coroutine
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.identity.codes import LETTERS
from server.identity.gate import (
    ANSWER_AFTER,
    BLUR,
    LINE,
    LOOK_EVERY,
    OF_ONE_PLACE,
    OF_ONE_TEXT,
    PATIENCE,
    PUT_OUT_AFTER,
    REMEMBERED,
    TRIES_PER_SECOND,
    Found,
    Gate,
    NotLive,
    Outcome,
    Wait,
)
from server.ports import StoreUnavailable
from tests.world.loop import VirtualClock, VirtualLoop

SAMS, KIMS = "SAMSC0DE", "K1MSC0DE"
HOME, ELSEWHERE = "192.0.2.7", "203.0.113.9"
FLOOD = 10_000


class House:
    """A gate in a world without real time, before codes of which two are live."""

    def __init__(self, loop: VirtualLoop, saved: int = 20_000, takes: float = 0.0) -> None:
        self.clock = VirtualClock(loop)
        self.takes = takes
        self.broken = False
        self.wrong: list[tuple[float, str]] = []
        """When a wrong code was looked at, and which."""
        self._random = random.Random(1)
        self.blur = 0.0
        self.gate = Gate(self, self.clock, saved=saved, chance=lambda: self.blur)

    async def find(self, code: str) -> str | None:
        if self.takes:
            await self.clock.sleep(self.takes)
        if self.broken:
            raise StoreUnavailable("away")
        if code in (SAMS, KIMS):
            return f"invitation of {code}"
        self.wrong.append((self.clock.monotonic(), code))
        return None

    def a_guess(self) -> str:
        return "".join(self._random.choices(LETTERS, k=8))

    async def guess(self, peer: str = ELSEWHERE) -> Outcome:
        return await self.gate.look(self.a_guess(), peer)

    async def guess_at_once(self, number: int, peer: str = ELSEWHERE) -> list[Outcome]:
        return await asyncio.gather(*(self.guess(peer) for _ in range(number)))

    async def timed(self, trying: Coroutine[Any, Any, Outcome]) -> tuple[Outcome, float]:
        began = self.clock.monotonic()
        return await trying, self.clock.monotonic() - began


def address(number: int) -> str:
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


# --- one try ---


def test_a_right_code_is_answered_at_once_however_it_is_written() -> None:
    with VirtualLoop() as loop:
        house = House(loop)
        said, seconds = loop.run(house.timed(house.gate.look("sams-code", HOME)))
        assert said == Found(f"invitation of {SAMS}", SAMS) and seconds == 0
        assert SAMS not in repr(said)


@pytest.mark.parametrize("takes", [0.0, 0.001, 0.1])
def test_whatever_is_not_live_is_answered_after_the_same_time(takes: float) -> None:
    with VirtualLoop() as loop:
        house = House(loop, takes=takes)
        for written in (house.a_guess(), house.a_guess(), "not a code at all", ""):
            said, seconds = loop.run(house.timed(house.gate.look(written, HOME)))
            assert said == NotLive() and seconds == pytest.approx(ANSWER_AFTER)
            house.blur = 1.0
            _, seconds = loop.run(house.timed(house.gate.look(written, HOME)))
            assert seconds == pytest.approx(ANSWER_AFTER * (1 + BLUR)), "and some chance, whatever was written"
            house.blur = 0.0


def test_a_lookup_that_is_late_does_not_show_how_late() -> None:
    with VirtualLoop() as loop:
        for takes in (ANSWER_AFTER * 1.1, ANSWER_AFTER * 1.9):
            _, seconds = loop.run((house := House(loop, takes=takes)).timed(house.guess()))
            assert seconds == pytest.approx(ANSWER_AFTER * 2)


def test_what_cannot_be_a_code_costs_nothing() -> None:
    with VirtualLoop() as loop:
        house = House(loop)
        for _ in range(OF_ONE_PLACE * 2):
            assert loop.run(house.gate.look("K7RM-2XQ", HOME)) == NotLive()
        assert house.wrong == [] and loop.run(house.guess(HOME)) == NotLive()


def test_a_store_that_does_not_answer_costs_nobody_a_try() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=2)
        house.broken = True
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                loop.run(house.gate.look(SAMS, HOME))
        house.broken = False
        assert isinstance(loop.run(house.gate.look(SAMS, HOME)), Found)


# --- who guesses is slow ---


def test_one_address_that_guesses_is_slowed_and_others_are_not() -> None:
    with VirtualLoop() as loop:
        house = House(loop)
        said = loop.run(house.guess_at_once(OF_ONE_PLACE + 20))
        assert said.count(NotLive()) == OF_ONE_PLACE and said.count(Wait()) == 20
        assert loop.run(house.guess(HOME)) == NotLive()
        loop.run(house.clock.sleep(60))
        assert loop.run(house.guess_at_once(20)).count(NotLive()) in (3, 4, 5), "one in a quarter of a minute"


def test_many_people_behind_one_address_come_in_because_right_codes_cost_nothing() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=OF_ONE_PLACE + 20, takes=0.002)

        async def people(number: int) -> list[tuple[Outcome, float]]:
            codes = [SAMS, KIMS] * (number // 2)
            return await asyncio.gather(*(house.timed(house.gate.look(code, HOME)) for code in codes))

        arrived = [each for _ in range(20) for each in loop.run(people(60))]
        assert all(isinstance(said, Found) for said, _ in arrived)
        print(
            f"{len(arrived)} people behind one address, 60 at once: the last waited {max(s for _, s in arrived):.2f} s"
        )
        assert loop.run(house.guess_at_once(OF_ONE_PLACE, HOME)) == [NotLive()] * OF_ONE_PLACE, "and still may mistype"


def test_one_text_is_slowed_by_itself_wherever_it_comes_from() -> None:
    with VirtualLoop() as loop:
        house = House(loop)

        async def the_same() -> list[Outcome]:
            return await asyncio.gather(*(house.gate.look("AAAA-AAAA", address(number)) for number in range(50)))

        assert loop.run(the_same()).count(NotLive()) == OF_ONE_TEXT
        assert loop.run(house.guess(address(1))) == NotLive(), "another text from there"
        loop.run(house.clock.sleep(20))
        assert loop.run(house.gate.look("aaaaaaaa", HOME)) == NotLive(), "never closed"


def test_when_the_service_has_no_tries_left_a_right_code_still_comes_up_and_costs_nothing() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=5)
        loop.run(house.guess_at_once(5))
        said, seconds = loop.run(house.timed(house.gate.look(SAMS, HOME)))
        assert isinstance(said, Found) and seconds <= 1 / TRIES_PER_SECOND + LOOK_EVERY
        assert isinstance(loop.run(house.gate.look(SAMS, HOME)), Found), "it gave the try back"


# --- the line ---


def test_in_line_who_had_the_fewest_wrong_tries_comes_first_and_then_who_came_last() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=3)
        loop.run(house.guess_at_once(2, "10.0.0.2"))
        loop.run(house.guess_at_once(1, "10.0.0.1"))
        came_up: list[str] = []

        async def tries(name: str, peer: str) -> None:
            if await house.guess(peer) == NotLive():
                came_up.append(name)

        async def everybody() -> None:
            await asyncio.gather(
                tries("twice wrong", "10.0.0.2"),
                tries("new, first", "10.0.0.3"),
                tries("once wrong", "10.0.0.1"),
                tries("new, last", "10.0.0.4"),
            )

        loop.run(everybody())
        assert came_up == ["new, last", "new, first", "once wrong", "twice wrong"]


def test_who_does_not_come_up_is_told_to_wait_after_a_few_seconds_and_nothing_was_looked_at() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=1)
        said = loop.run(asyncio.wait_for(_all_timed(house, LINE), 60))
        waited = [seconds for outcome, seconds in said if outcome == Wait()]
        looked_at = LINE - len(waited)
        assert len(house.wrong) == looked_at <= 1 + PATIENCE
        assert all(PATIENCE <= seconds <= PATIENCE + LOOK_EVERY for seconds in waited)


def test_from_a_full_line_the_last_in_order_goes_and_does_not_wait_on() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=1)
        said = loop.run(_all_timed(house, LINE + 51))
        put_out = [seconds for outcome, seconds in said if outcome == Wait() and seconds < PATIENCE]
        assert len(put_out) == 50 and all(seconds == pytest.approx(PUT_OUT_AFTER) for seconds in put_out)
        assert house.gate._line == []


def test_who_gives_up_does_not_stay_in_line() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=1)
        loop.run(house.guess())

        async def gives_up() -> None:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(house.guess(), 0.1)

        loop.run(gives_up())
        assert house.gate._line == []


def test_what_is_remembered_has_a_bound() -> None:
    with VirtualLoop() as loop:
        house = House(loop)
        many = REMEMBERED + 100
        loop.run(asyncio_gather(*(house.guess(address(number)) for number in range(many))))
        assert len(house.wrong) == many
        assert len(house.gate._places._counts) == len(house.gate._texts._counts) == REMEMBERED
        house = House(loop)
        loop.run(asyncio_gather(*(house.gate.look(SAMS, address(number)) for number in range(50))))
        assert house.gate._places._counts == house.gate._texts._counts == {}, "of right codes nothing is"


async def asyncio_gather(*tries: Coroutine[Any, Any, Outcome]) -> list[Outcome]:
    return await asyncio.gather(*tries)


async def _all_timed(house: House, number: int) -> list[tuple[Outcome, float]]:
    return await asyncio.gather(*(house.timed(house.guess(address(each))) for each in range(number)))


# --- floods ---


@pytest.mark.parametrize("addresses", [1, 100, FLOOD])
def test_in_the_midst_of_ten_thousand_wrong_codes_a_right_one_comes_in(addresses: int) -> None:
    with VirtualLoop() as loop:
        house = House(loop, takes=0.002)

        async def story() -> tuple[Outcome, float]:
            guesses = [asyncio.ensure_future(house.guess(address(n % addresses))) for n in range(FLOOD)]
            await house.clock.sleep(0.001)
            sams = await house.timed(house.gate.look("sams code", HOME))
            await asyncio.gather(*guesses)
            return sams

        said, seconds = loop.run(story())
        print(
            f"{FLOOD} wrong codes at once from {addresses}: {len(house.wrong)} looked at, Sam in after {seconds:.2f} s"
        )
        assert isinstance(said, Found) and seconds < 10


def test_when_a_long_flood_has_used_everything_up_a_right_code_from_a_quiet_place_comes_first() -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=2_000)

        async def flood(seconds: int) -> None:
            guesses = []
            for _ in range(seconds):
                guesses += [asyncio.ensure_future(house.guess(address(n))) for n in range(100)]
                await house.clock.sleep(1)
            await asyncio.gather(*guesses)

        async def story() -> list[float]:
            flooding = asyncio.ensure_future(flood(120))
            waited = []
            for number in range(60):
                await house.clock.sleep(1.37)
                said, seconds = await house.timed(house.gate.look(SAMS, f"198.51.100.{number}"))
                assert isinstance(said, Found)
                waited.append(seconds)
            await flooding
            return waited

        waited = loop.run(story())
        assert len(house.wrong) == pytest.approx(2_000 + 120, abs=10), "everything was used up"
        print(f"100 wrong codes a second, nothing left: people came in after {max(waited):.2f} s at most")
        assert max(waited) < 10


# --- the law ---

a_try = st.tuples(
    st.floats(0, 3), st.integers(0, 3), st.sampled_from([SAMS, KIMS, "AAAAAAAA", "BBBBBBBB", "", "new", "new", "new"])
)


@given(st.integers(1, 6), st.lists(a_try, max_size=40))
def test_wrong_codes_are_looked_at_no_faster_than_the_bucket_fills(
    saved: int, tries: list[tuple[float, int, str]]
) -> None:
    with VirtualLoop() as loop:
        house = House(loop, saved=saved)
        said: list[tuple[str, Outcome, float]] = []

        async def try_it(code: str, place: int) -> None:
            written = house.a_guess() if code == "new" else code
            said.append((written, *await house.timed(house.gate.look(written, address(place)))))

        async def story() -> None:
            tasks = []
            for pause, place, code in tries:
                await house.clock.sleep(pause if pause > 1 else 0)
                tasks.append(asyncio.ensure_future(try_it(code, place)))
            await asyncio.gather(*tasks)

        loop.run(story())
        times = [at for at, _ in house.wrong]
        for first, began in enumerate(times):
            for last in range(first, len(times)):
                # Who was let in by another one's look goes on with the next own one.
                at_most = saved + TRIES_PER_SECOND * (times[last] - began + LOOK_EVERY)
                assert last - first + 1 <= at_most + 1e-6
        assert len(said) == len(tries) and house.gate._line == []
        looked_at = [code for _, code in house.wrong]
        for code, outcome, seconds in said:
            assert seconds <= PATIENCE + LOOK_EVERY + ANSWER_AFTER + 1e-6
            right = code in (SAMS, KIMS)
            assert isinstance(outcome, (Found, Wait) if right else (NotLive, Wait))
            if isinstance(outcome, Wait) and code not in ("AAAAAAAA", "BBBBBBBB"):
                assert code not in looked_at, "who is told to wait has learnt nothing"
        assert not loop.faults
