"""Bytes that no honest client sends, against the running product. Nobody else notices, nothing grows, little is
logged.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from server.packet import PACKETS_PER_POST, SEPARATOR, Rule
from tests.conftest import Amount, MakeHouse
from tests.house import House
from tests.live_client import LiveClient
from tests.server.mischief import command, hello, nasty, opening
from tests.server.raw import PING, TEXT, RawSocket, frame, open_by_polling, request
from tests.visitor import Held, Visitor

pytestmark = pytest.mark.timeout(1800)

ATTACKERS = 16
BATCH = 4
MEGABYTE = 1024 * 1024


class Pair:
    """Alex and Sam in a session of their own, turning pages one after the other for as long as it lasts."""

    def __init__(self, alex: LiveClient, sam: LiveClient) -> None:
        self.alex = alex
        self.sam = sam
        self.turned = 0
        self.longest = 0.0
        self._on = True

    async def turn_pages(self) -> None:
        welcome = await self.alex.hello()
        await self.sam.hello()
        pages = welcome["whole"]["pages"][:2]
        loop = asyncio.get_running_loop()
        while self._on:
            for who in (self.alex, self.sam):
                began = loop.time()
                page = pages[self.turned % 2]
                got = await who.answered(await who.command("turn_page", page=page))
                assert got.get("outcome", "already") == "already", got
                self.longest = max(self.longest, loop.time() - began)
                self.turned += 1
                who.messages.clear()

    def stop(self) -> None:
        self._on = False


@asynccontextmanager
async def somebody_else(visitor: Visitor) -> AsyncIterator[Pair]:
    """Two people who have nothing to do with it. At the end all their commands have been answered."""
    worker, person = await visitor.starts_practice()
    async with (
        LiveClient(worker.house.url, worker.ticket, worker.cookies) as alex,
        LiveClient(person.house.url, person.ticket, person.cookies, way="polling") as sam,
    ):
        pair = Pair(alex, sam)
        turning = asyncio.create_task(pair.turn_pages())
        yield pair
        pair.stop()
        await turning
        assert pair.turned > 0


def memory_of(house: House) -> int:
    """Bytes that the server has in memory now."""
    for line in Path(f"/proc/{house.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


class Damage:
    """What an attack does to the server: its memory at the worst, looked at after each connection."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.before = self.worst = memory_of(house)

    def look(self) -> None:
        self.worst = max(self.worst, memory_of(self.house))

    @property
    def grown(self) -> int:
        return self.worst - self.before


def broken_rules(house: House) -> Counter[str]:
    """How often each rule was broken, from the log; and no line of the log is long, or about a fault."""
    counted: Counter[str] = Counter()
    for line in house.output.splitlines():
        assert len(line.encode()) <= 300, line
        assert "Traceback" not in line, house.output[-4000:]
        if line.startswith("{"):
            said = json.loads(line)
            assert said["event"] != "fault", line
            if said["event"] == "malformed":
                counted[said["rule"]] += 1
    return counted


class Tally:
    """How many packets the server has looked at and refused. What comes after a connection's third is never looked at,
    so it does not count.
    """

    def __init__(self, house: House) -> None:
        self.house = house
        self.refused = 0
        self._read = 0

    def count(self) -> int:
        new = self.house.output[self._read : self.house.output.rfind("\n") + 1]
        self._read += len(new)
        self.refused += new.count('"event": "malformed"')
        return self.refused


# --- attacks: each is one connection, and gives how many packets it sent ---


async def by_socket(held: Held, r: Random) -> int:
    socket = await RawSocket.open(held)
    socket.send(opening(r))
    for _ in range(BATCH):
        socket.send(nasty(r))
    socket.write(frame(b"", 0x8))
    await socket.until_closed()
    return BATCH + 1


async def by_polling(held: Held, r: Random) -> int:
    sid = await open_by_polling(held)
    packets = [opening(r), *(nasty(r) for _ in range(BATCH))]
    parts = [each if isinstance(each, bytes) else each.encode(errors="replace") for each in packets]
    await request(held, "POST", f"&sid={sid}", SEPARATOR.encode().join(parts))
    await request(held, "POST", f"&sid={sid}", b"1")
    return BATCH + 2


async def too_many_in_a_post(held: Held, r: Random) -> int:
    sid = await open_by_polling(held)
    count = PACKETS_PER_POST + r.randrange(1, 2000)
    await request(held, "POST", f"&sid={sid}", SEPARATOR.encode().join([b"3"] * count))
    await request(held, "POST", f"&sid={sid}", b"1")
    return 2


async def polls_at_once(held: Held, _: Random) -> int:
    sid = await open_by_polling(held)
    await asyncio.gather(*(request(held, "GET", f"&sid={sid}") for _ in range(5)))
    return 5


async def bad_frames(held: Held, r: Random) -> int:
    """What breaks WebSocket itself: reserved bits, no mask, no end, half a letter, out of order, or no frame at all."""
    socket = await RawSocket.open(held)
    socket.send(hello())
    text = command(1).encode()
    match r.randrange(9):
        case 0:
            socket.write(frame(text, reserved=0x70))
        case 1:
            socket.write(frame(text, masked=False))
        case 2:
            socket.write(frame(text[:9], last=False) + frame(text, TEXT))
        case 3:
            socket.write(frame(text, 0x0))
        case 4:
            socket.write(frame(b"x" * 126, PING))
        case 5:
            socket.write(b"\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0")
        case 6:
            socket.write(frame(b"\xff\xfe4" * 9) * 3)
        case 7:
            socket.write(frame(text, r.choice([0x3, 0x7, 0xB, 0xF])))
        case _:
            socket.write(r.randbytes(r.randrange(1, 3000)))
    socket.write(frame(b"", 0x8))
    await socket.until_closed()
    return 2


ATTACKS = (by_socket,) * 6 + (by_polling,) * 4 + (bad_frames, too_many_in_a_post, polls_at_once)


async def test_hostile_packets_hurt_nobody(houses: MakeHouse, amount: Amount) -> None:
    packets = amount(10_000, 100_000)
    house = await houses(COPAGE_COMMANDS_PER_SECOND="1000")
    async with Visitor(house) as visitor:
        await visitor.makes_account()
        tickets = [held for _ in range(ATTACKERS // 2) for held in await visitor.starts_practice()]
        tally = Tally(house)
        sent = 0

        async def attack(number: int, until_refused: int) -> None:
            nonlocal sent
            r = Random(f"{number} {until_refused}")
            while tally.count() < until_refused:
                packets_sent = await r.choice(ATTACKS)(tickets[number], r)
                sent += packets_sent
                damage.look()

        async with somebody_else(visitor) as pair:
            damage = Damage(house)
            await asyncio.gather(*(attack(number, packets // 20) for number in range(ATTACKERS)))
            damage = Damage(house)  # What every connection needs once, and Python keeps, is there by now.
            await asyncio.gather(*(attack(number, packets) for number in range(ATTACKERS)))
    assert house.process is not None
    assert house.process.returncode is None, "the server has ended"
    counted = broken_rules(house)
    print(f"{sent} packets, {counted.total()} refused; {damage.grown / MEGABYTE / ATTACKERS:.2f} MB a connection")
    print(f"{pair.turned} pages turned by others meanwhile, the slowest in {pair.longest:.2f} s")
    print(", ".join(f"{rule.name} {counted[rule.name]}" for rule in Rule))
    assert {rule.name for rule in Rule} == set(counted)
    assert counted.total() >= packets
    assert damage.grown < ATTACKERS * MEGABYTE


# --- those who send, and do not read ---


async def pinging(held: Held) -> int:
    """WebSocket's own pings, whose answers nobody reads."""
    socket = await RawSocket.open(held, read_buffer=4096)
    pings = frame(b"x" * 125, PING) * 500
    sent = 0
    try:
        while sent < 64 * MEGABYTE:
            socket.write(pings)
            sent += len(pings)
            await asyncio.wait_for(socket.drain(), 10)
    except (ConnectionError, TimeoutError):
        pass
    socket.close()
    return sent


async def in_empty_pieces(held: Held) -> int:
    """One message in pieces of nothing."""
    socket = await RawSocket.open(held)
    pieces = frame(b"", 0x0, last=False) * 2000
    socket.write(frame(b"", TEXT, last=False))
    sent = 0
    try:
        while sent < 8 * MEGABYTE:
            socket.write(pieces)
            sent += len(pieces)
            await socket.drain()
    except ConnectionError:
        pass
    await socket.until_closed()
    return sent


async def all_at_once(held: Held) -> int:
    """More messages in one go than anybody could look at."""
    socket = await RawSocket.open(held)
    socket.send(hello())
    socket.write(frame(command(1).encode()) * 4000)
    await socket.until_closed()
    return 4000


@pytest.mark.parametrize("attack", [pinging, in_empty_pieces, all_at_once])
async def test_a_flood_is_cut_off_and_costs_less_than_a_megabyte(houses: MakeHouse, attack: object) -> None:
    house = await houses()
    assert callable(attack)
    async with Visitor(house) as visitor:
        await visitor.makes_account()
        worker, _ = await visitor.starts_practice()
        async with somebody_else(visitor):
            await attack(worker)
            damage = Damage(house)
            for _ in range(8):
                await attack(worker)
                damage.look()
    print(f"{damage.grown / MEGABYTE:.2f} MB after eight")
    assert damage.grown < 8 * MEGABYTE
    broken_rules(house)


def ids(presence: Any) -> list[str]:
    return [each["id"] for each in presence["here"]]


async def test_who_never_reads_is_closed_and_costs_less_than_a_megabyte(houses: MakeHouse) -> None:
    house = await houses(COPAGE_COMMANDS_PER_SECOND="100000")
    async with Visitor(house) as visitor:
        await visitor.makes_account()
        worker, person = await visitor.starts_practice()
        async with LiveClient(house.url, worker.ticket, worker.cookies) as alex:
            welcome = (await alex.hello())["whole"]
            pages = [welcome["page"], next(page for page in welcome["pages"] if page != welcome["page"])]
            sams = [each["id"] for each in welcome["people"] if each["id"] != welcome["you"]]

            async def turn(at_once: int = 1) -> None:
                turns = [await alex.command("turn_page", page=pages[alex.number % 2]) for _ in range(at_once)]
                for each in turns:
                    await alex.answered(each)

            for _ in range(
                160
            ):  # Thousands of turns take memory by themselves, until the database has filled its cache.
                alex.messages.clear()
                await turn(at_once=50)
            sam = await RawSocket.open(person, read_buffer=4096)
            sam.send(hello())
            await alex.wait_for("presence", lambda said: sams[0] in ids(said))
            alex.messages.clear()
            before, unread = alex.number, Damage(house)
            async with asyncio.timeout(30):
                while not any(name == "presence" and sams[0] not in ids(said) for name, said in alex.messages):
                    await turn()
                    unread.look()
            sam.close()
    print(f"{unread.grown / MEGABYTE:.2f} MB for {alex.number - before} turns unread")
    assert unread.grown < MEGABYTE
