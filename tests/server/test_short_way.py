"""The short way of what somebody does: read in one step, off the line and onto it, past the layers between. It has to
come to the same as the long way, in the same order."""

from __future__ import annotations

from random import Random

from websockets.frames import Frame, Opcode

from rooms.limits import COMMAND_BYTES
from rooms.wire import Submission, WireError, parse_submission
from server.connection import text_frame
from server.packet import EVENT, Malformed, Packet, check_frame, quick_submission
from tests.server.mischief import command, hello, mutated, nasty, write
from tests.server.raw import RawSocket, frame
from tests.server.test_endpoint import Ears, an_endpoint
from tests.waiting import until

SEED = 7
PACKETS = 30_000


def by_the_long_way(packet: str) -> Submission | None:
    """The command in a packet, if it is one."""
    try:
        name, payload = Packet(encoded_packet=packet).data
        return parse_submission(payload) if name == "command" else None
    except (Malformed, WireError):
        return None


def test_what_is_read_in_one_step_is_what_is_read_step_by_step() -> None:
    r, quick = Random(SEED), 0
    for _ in range(PACKETS):
        packet = r.choice((nasty, mutated, lambda r: command(r.randrange(1, 9)), lambda _: write("AAAA")))(r)
        if not isinstance(packet, str) or not packet.startswith(EVENT):
            continue
        try:
            text = check_frame(packet, asked=False)[1:]
        except Malformed:
            continue
        submission = quick_submission(text)
        if submission is not None:
            assert submission == by_the_long_way(text), text
            quick += 1
    print(f"{quick} of {PACKETS} packets read in one step")
    assert quick > PACKETS // 4


def test_what_honest_windows_send_is_read_in_one_step() -> None:
    for packet in (command(1), write("AAAA"), write("A" * 2 * COMMAND_BYTES)):
        assert quick_submission(packet[1:]) == by_the_long_way(packet[1:]) is not None


class Listener(Ears):
    """Notes the numbers of the commands that it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers: list[int] = []

    def submit(self, connection: str, submission: Submission) -> None:
        self.numbers.append(submission.number)


async def test_no_event_overtakes_another_whichever_way_they_are_read() -> None:
    async with an_endpoint() as (sockets, _, held):
        listener = Listener()
        sockets.use(listener)
        sam = await RawSocket.open(held)
        sam.send(hello())
        await until(lambda: listener.here, "Sam")
        packets = []
        for number in range(1, 60, 3):
            packets.append(command(number))
            packets.append(command(number + 1).replace("home", "\\u0068ome"))
            packets.append(write("A" * (number * 1000)).replace('"number":1', f'"number":{number + 2}'))
        sam.write(b"".join(frame(each.encode()) for each in packets))
        await until(lambda: len(listener.numbers) == len(packets), "all of them")
        assert listener.numbers == list(range(1, 61))
        sam.close()


def test_a_frame_is_what_the_protocol_says() -> None:
    for size in (0, 1, 125, 126, 65_535, 65_536):
        text = "ä" * (size // 2) + "a" * (size % 2)
        assert text_frame(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)
