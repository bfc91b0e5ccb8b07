"""The live endpoint alone, in this process: what it does with those who do not read, do not speak or do not finish, and
with a fault behind it.
"""

from __future__ import annotations

import asyncio
import tracemalloc
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import structlog.testing
import uvloop

from rooms import Position, pointers
from rooms.wire import Submission
from server.certificate import certificate_for
from server.connection import OUTBOX_BYTES, OUTBOX_PACKETS
from server.guard import Guard, Receive, Scope, Send
from server.open_room import Seat
from server.ports import StoreUnavailable
from server.serving import listen, serving
from server.sockets import Sockets
from tests.house import House
from tests.live_client import Closed, LiveClient, Way
from tests.server.mischief import command, hello
from tests.server.raw import PING, RawSocket, frame
from tests.visitor import Held
from tests.waiting import until

MEGABYTE = 1024 * 1024


class Panic(BaseException):
    """What a compiled library raises when it finds itself in a state that cannot be. It is no `Exception`."""


class Ears:
    """A hub that notes who comes and goes, and breaks when it is given a command."""

    def __init__(self) -> None:
        self.here: list[str] = []
        self.gone: list[str] = []

    def attach(self, connection: str, seat: Seat, window: str, position: Position | None, way: pointers.Way) -> None:
        self.here.append(connection)

    def submit(self, connection: str, submission: Submission) -> None:
        raise Panic("what was in the packet")

    def show(self, connection: str, what: pointers.Passing) -> None:
        raise AssertionError("nobody shows anything here")

    def compare(self, connection: str, position: Position, digests: Mapping[str, int]) -> None:
        raise AssertionError("nobody has written anything here")

    def catch_up(self, connection: str, position: Position) -> None:
        raise AssertionError("nobody has missed anything here")

    def detach(self, connection: str) -> None:
        self.gone.append(connection)

    @property
    def left(self) -> list[str]:
        return [each for each in self.here if each not in self.gone]


class Everybody:
    """Tickets that are always good, where somebody can tell."""

    def __init__(self) -> None:
        self.nobody_can_tell = False

    async def check(self, ticket: str, cookies: Mapping[str, str]) -> Seat:
        if self.nobody_can_tell:
            raise StoreUnavailable("busy")
        return Seat("room", "sam", ticket)


@asynccontextmanager
async def an_endpoint(
    tickets: Everybody | None = None, phone: Path | None = None
) -> AsyncIterator[tuple[Sockets, Ears, Held]]:
    """The live endpoint behind its wall, in this process and with nothing else; by https with a folder `phone`."""
    listening = listen("127.0.0.1", 0)
    house = House(phone or Path("nowhere"), port=listening.getsockname()[1], phone=phone is not None)
    tls = certificate_for("127.0.0.1", phone / "phone.pem", datetime.now(UTC)).tls if phone else None
    ears = Ears()
    sockets = Sockets(tickets or Everybody(), house.url, str)
    sockets.use(ears)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            await sockets(scope, receive, send)
            return
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        await send({"type": "lifespan.shutdown.complete"})

    guard = Guard(app, public_url=house.url, proxies=(), sentence=str, https_for_good=False)
    async with serving(guard, listening, sockets.stop, tls):
        yield sockets, ears, Held(house, "sam", {})


def packet(number: int, size: int) -> str:
    return f'2["events",{{"events":[],"filling":"{str(number) * (size // len(str(number)))}"}}]'


async def test_a_socket_that_is_not_read_is_cut_and_its_memory_freed() -> None:
    async with an_endpoint() as (sockets, ears, held):
        sam = await RawSocket.open(held, read_buffer=4096)
        sam.send(hello())
        await until(lambda: ears.here, "Sam")
        tracemalloc.start()
        for number in range(4000):
            # What is told in one go never gives the connection a chance: this is what a burst costs at most.
            sockets.tell(ears.here, packet(number, MEGABYTE // 10))
        await until(lambda: ears.gone == ears.here, "Sam to be given up")
        await until(lambda: tracemalloc.get_traced_memory()[0] < MEGABYTE, "the memory to be free again")
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        print(f"{most / MEGABYTE:.2f} MB at most, for 400 MB that were told")
        assert most < MEGABYTE
        sam.close()


async def test_many_small_packets_are_too_many_as_well() -> None:
    async with an_endpoint() as (sockets, ears, held):
        sam = LiveClient(held.house.url, held.ticket, held.cookies, way="polling")
        async with sam.new_http() as http:
            sid = (await http.get(sam.address("polling"))).text.split('"sid":"')[1].split('"')[0]
            address = sam.address("polling", sid)
            await http.post(address, content=hello())
            await until(lambda: ears.here, "Sam")
            for number in range(OUTBOX_PACKETS + 1):
                sockets.tell(ears.here, packet(number, 10))
            await until(lambda: ears.gone == ears.here, "Sam to be given up")
            told = (await http.get(address)).text
            assert '"too_slow","retry":true' in told
            assert "events" not in told
            assert (await http.get(address)).status_code == 400


async def test_what_has_been_read_does_not_count() -> None:
    async with (
        an_endpoint() as (sockets, ears, held),
        LiveClient(held.house.url, held.ticket, held.cookies) as alex,
        LiveClient(held.house.url, held.ticket, held.cookies, way="polling") as sam,
    ):
        for client in (alex, sam):
            await client.send_raw(hello())
        await until(lambda: len(ears.here) == 2, "both")
        for number in range(40):
            sockets.tell(ears.here, packet(number, OUTBOX_BYTES // 4))
            for client in (alex, sam):
                await client.wait_for("events")
                client.messages.clear()
        assert ears.gone == []


async def test_everybody_gets_packets_in_the_order_they_were_told() -> None:
    async with (
        an_endpoint() as (sockets, ears, held),
        LiveClient(held.house.url, held.ticket, held.cookies) as alex,
        LiveClient(held.house.url, held.ticket, held.cookies, way="polling") as sam,
    ):
        for client in (alex, sam):
            await client.send_raw(hello())
        await until(lambda: len(ears.here) == 2, "both")
        for number in range(10, 90):
            sockets.tell([*ears.here, "nobody"], packet(number, 2))
        for client in (alex, sam):
            await client.wait_for("events", lambda said: said["filling"] == "89")
            assert [said["filling"] for _, said in client.messages] == [str(number) for number in range(10, 90)]


async def test_who_never_says_hello_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.sockets.HELLO_SECONDS", 0.2)
    async with an_endpoint() as (_, ears, held):
        ways: tuple[Way, ...] = ("websocket", "polling")
        for way in ways:
            async with LiveClient(held.house.url, held.ticket, held.cookies, way=way) as sam:
                await sam.until_closed()
        assert ears.here == []


async def test_a_socket_that_never_finishes_to_take_over_gives_the_polls_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("server.sockets.UPGRADE_SECONDS", 0.2)
    async with (
        an_endpoint() as (sockets, ears, held),
        LiveClient(held.house.url, held.ticket, held.cookies, way="polling") as sam,
    ):
        await sam.send_raw(hello())
        await until(lambda: ears.here, "Sam")
        silent = await sam.open_socket(sam.sid)
        await silent.wait_closed()
        sockets.tell(ears.here, packet(7, 2))
        assert (await sam.wait_for("events"))["filling"] == "77"


async def test_a_fault_behind_it_ends_nothing_and_is_one_short_line() -> None:
    async with (
        an_endpoint() as (sockets, ears, held),
        LiveClient(held.house.url, held.ticket, held.cookies) as alex,
        LiveClient(held.house.url, held.ticket, held.cookies, way="polling") as sam,
    ):
        for client in (alex, sam):
            await client.send_raw(hello())
        await until(lambda: len(ears.here) == 2, "both")
        with structlog.testing.capture_logs() as lines:
            for client in (alex, sam):
                await client.send_raw(command(1))
            await until(lambda: len(lines) == 2, "two lines")
        assert [line["error"] for line in lines] == ["Panic", "Panic"]
        assert "what was in" not in str(lines)
        assert all(len(str(line)) < 300 for line in lines)
        sockets.tell(ears.left, packet(7, 2))
        for client in (alex, sam):
            assert (await client.wait_for("events"))["filling"] == "77"


@pytest.mark.parametrize("way", ["websocket", "polling"])
async def test_while_nobody_can_tell_whose_ticket_it_is_a_window_is_to_come_back(way: Way) -> None:
    """Neither a fault of ours, nor a ticket that is no good: that one would end the session on this device."""
    tickets = Everybody()
    async with an_endpoint(tickets) as (_, ears, held):
        tickets.nobody_can_tell = True
        with structlog.testing.capture_logs() as lines:
            early = LiveClient(held.house.url, held.ticket, held.cookies, way=way)
            with pytest.raises(Closed) as closed:
                await early.open()
            await early.close()
        assert closed.value.status == 503
        assert [line for line in lines if line["log_level"] == "error"] == []
        tickets.nobody_can_tell = False
        async with LiveClient(held.house.url, held.ticket, held.cookies, way=way) as sam:
            await sam.send_raw(hello())
            await until(lambda: ears.here, "Sam")


async def test_once_it_has_stopped_nobody_comes_in() -> None:
    async with (
        an_endpoint() as (sockets, ears, held),
        LiveClient(held.house.url, held.ticket, held.cookies, way="polling") as sam,
    ):
        await sam.send_raw(hello())
        await until(lambda: ears.here, "Sam")
        await sockets.stop()
        assert (await sam.wait_for("goodbye"))["code"] == "shutting_down"
        late = LiveClient(held.house.url, held.ticket, held.cookies, way="polling")
        with pytest.raises(Closed) as closed:
            await late.open()
        assert closed.value.status == 503
        await late.close()


# --- by https, without a proxy: for a phone in the local network ---


async def test_by_https_both_ways_bring_everything_and_one_leads_to_the_other(tmp_path: Path) -> None:
    async def story() -> None:
        async with (
            an_endpoint(phone=tmp_path) as (sockets, ears, held),
            LiveClient(held.house.url, held.ticket, held.cookies, trust=held.house.trust) as alex,
            LiveClient(held.house.url, held.ticket, held.cookies, trust=held.house.trust, way="polling") as sam,
        ):
            for client in (alex, sam):
                await client.send_raw(hello())
            await until(lambda: len(ears.here) == 2, "both")
            for number in range(10, 50):
                sockets.tell(ears.here, packet(number, 5000))
            await sam.wait_for("events", lambda said: said["filling"].startswith("49"))
            await sam.upgrade()
            for number in range(50, 90):
                sockets.tell(ears.here, packet(number, 5000))
            for client in (alex, sam):
                await client.wait_for("events", lambda said: said["filling"].startswith("89"))
                assert [said["filling"][:2] for _, said in client.messages] == [str(each) for each in range(10, 90)]

    await on_the_products_loop(story())


async def test_by_https_too_a_socket_that_is_not_read_is_cut(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_endpoint(phone=tmp_path) as (sockets, ears, held):
            with closing(await RawSocket.open(held, read_buffer=4096)) as sam:
                sam.send(hello())
                await until(lambda: ears.here, "Sam")
                assert connections_of(held.house) == 1
                for number in range(4000):
                    sockets.tell(ears.here, packet(number, MEGABYTE // 10))
                    await asyncio.sleep(0)
                await until(lambda: ears.gone == ears.here, "Sam to be given up")
                # An orderly close would wait for Sam to read.
                await until(lambda: connections_of(held.house) == 0, "the server's end to be gone", 3)

    await on_the_products_loop(story())


async def test_by_https_too_pings_whose_answers_nobody_reads_are_cut(tmp_path: Path) -> None:
    async def story() -> None:
        async with an_endpoint(phone=tmp_path) as (_, _, held):
            with closing(await RawSocket.open(held, read_buffer=4096)) as sam:
                assert connections_of(held.house) == 1
                sam.write(frame(b"x" * 125, PING) * 125_000)
                await until(lambda: connections_of(held.house) == 0, "the server's end to be gone", 20)

    await on_the_products_loop(story())


async def on_the_products_loop(story: Coroutine[Any, Any, None]) -> None:
    """The tests run on Python's own event loop, whose encrypted transports are other ones."""
    await asyncio.to_thread(uvloop.run, story)


def connections_of(house: House) -> int:
    """How many the server holds, as the system has it: one that is closing in good order still counts."""
    lines = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    established = "01"
    return sum(int(own.partition(":")[2], 16) == house.port and state == established for _, own, _, state, *_ in lines)
