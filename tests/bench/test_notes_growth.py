"""Notes that are written for a long time, by windows that come and go: what they take, and what opening them costs."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random
from statistics import median

import pytest

from rooms import Actor, Stamp, Write
from rooms.updates import number
from server.clock import new_id
from server.hub import Seat
from tests.conftest import Amount
from tests.server.inside import Inside, inside_of
from tests.visitor import Held

LETTERS_PER_SECOND = 5
TEXT = "We walked to the river and sat there for a while. "
RUNS = 12


class Typing:
    """Sam types into the first box of a practice session, letter by letter, in one window after the other."""

    def __init__(self, house: Inside, held: Held, seat: Seat) -> None:
        self.hub, self.held, self.seat = house.copage.hub, held, seat
        self.chance = Random(seat.room)
        self.before: tuple[int, int] | None = None
        self.typed = 0
        self.hub.attach(f"connection of {seat.room}", seat, new_id(), None)  # A room in use stays open.

    async def reconnects(self) -> None:
        self.hub.detach(f"connection of {self.seat.room}")
        self.hub.attach(f"connection of {self.seat.room}", self.seat, new_id(), None)

    async def a_window_types(self, letters: int) -> None:
        window, client = new_id(), self.chance.randrange(1, 2**32)
        for nth in range(letters):
            update = typed(client, nth, self.before, TEXT[self.typed % len(TEXT)])
            actor = Actor(self.seat.participant, Stamp(window, nth + 1))
            outcome = await self.hub.ask(self.seat.room, actor, Write("looked", update))
            assert isinstance(outcome, tuple), outcome
            self.before, self.typed = (client, nth), self.typed + 1


def typed(client: int, clock: int, before: tuple[int, int] | None, letter: str) -> bytes:
    """The update of one letter, right after another one."""
    place = b"\x04\x01\x06looked" if before is None else b"\x84" + number(before[0]) + number(before[1])
    text = number(len(letter)) + letter.encode()
    return b"\x01\x01" + number(client) + number(clock) + place + text + b"\x00"


async def begin(house: Inside) -> Typing:
    async with await house.alex() as alex:
        _, sam = await alex.starts_practice()
    ticket = await house.copage.tickets.get(sam.ticket)
    assert ticket is not None
    return Typing(house, sam, Seat(ticket.room, ticket.participant, ticket.id))


async def bytes_on_disk(house: Inside, room: str) -> int:
    """What the session's log and snapshot hold, sealed as they are."""
    sql = (
        "SELECT (SELECT COALESCE(SUM(length(payload)), 0) FROM events WHERE room = $1) + "
        "(SELECT COALESCE(SUM(length(payload) + length(words)), 0) FROM snapshots WHERE room = $1) AS bytes"
    )
    [row] = await house.copage.opened.database.read(sql, room)
    assert isinstance(row["bytes"], int)
    return row["bytes"]


async def seconds_to_open(house: Inside, typing: Typing) -> float:
    """CPU seconds of a process that knows nothing of the room, until a browser has its page and its first welcome."""
    async with house.visitor() as visitor:
        began = time.process_time()
        page = await visitor.looks_at_with(typing.held)
        house.copage.hub.attach("connection", typing.seat, new_id(), None)
        await house.copage.hub.look(typing.seat.room)
        took = time.process_time() - began
    assert page.status_code == 200
    return took


async def test_an_hour_of_typing_in_thousands_of_windows_stays_small_and_quick_to_open(
    tmp_path: Path, amount: Amount, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = amount(500, 5_000)
    letters = amount(360, 3_600) * LETTERS_PER_SECOND
    async with inside_of(tmp_path) as house:
        rooms = long, plain, fresh, warm = [await begin(house) for _ in range(4)]
        for nth in range(windows):
            await long.reconnects()
            await long.a_window_types(letters * (nth + 1) // windows - letters * nth // windows)
        await plain.a_window_types(letters)  # The same words, typed in one window.
        await fresh.a_window_types(1)
        for _ in range(2):  # Until the log has become old, and is gone.
            house.passes(monkeypatch, 605)
            for each in rooms:
                await each.a_window_types(1)
        many, one, none = [await bytes_on_disk(house, each.seat.room) for each in (long, plain, fresh)]
        for each in (long, plain):
            reading = await house.copage.hub.read(each.seat.room)
            assert reading is not None and reading.texts["looked"] == (TEXT * letters)[: letters + 2]
    monkeypatch.undo()
    print(
        f"{windows} windows, {letters} letters: {(many - one) / windows:.0f} bytes a window, "
        f"{(one - none) / letters:.2f} bytes a letter"
    )
    found: dict[str, list[float]] = {"long": [], "plain": [], "fresh": []}
    for run in range(RUNS):
        async with inside_of(tmp_path) as house:
            await seconds_to_open(house, warm)
            in_turn = [("long", long), ("plain", plain), ("fresh", fresh)]
            for name, each in (*in_turn[run % 3 :], *in_turn[: run % 3]):
                found[name].append(await seconds_to_open(house, each))
    opening = {name: median(times) for name, times in found.items()}
    print(
        f"CPU to open: {opening['long'] * 1e3:.2f} ms; with the same words from one window "
        f"{opening['plain'] * 1e3:.2f} ms; with nothing in it {opening['fresh'] * 1e3:.2f} ms: "
        f"{opening['long'] / opening['fresh']:.2f} times a fresh one"
    )
    assert opening["long"] <= 2 * opening["fresh"]
