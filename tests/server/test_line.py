"""A socket's frames, taken apart before the library sees them: cut anywhere, broken in any way, and many at once."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode

from rooms.limits import FRAME_BYTES
from server.serving import read_frame, text_of


def sent(data: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    """A frame as an honest client sends it, made by the library."""
    return bytes(Frame(opcode, data, fin).serialize(mask=True))


@given(text=st.text(max_size=300), before=st.binary(max_size=9))
def test_a_message_is_read_as_it_was_sent(text: str, before: bytes) -> None:
    data = before + sent(text.encode()) + b"more"
    frame = read_frame(data, len(before))
    assert frame is not None and frame.text and not frame.wrong
    assert text_of(data, frame) == text
    assert data[frame.end :] == b"more"


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536, FRAME_BYTES])
def test_of_every_length_nothing_is_taken_before_all_of_it_is_there(size: int) -> None:
    data = sent(b"x" * size)
    for cut in {0, 1, 2, 5, 9, 13, len(data) - 1} & set(range(len(data))):
        assert read_frame(data[:cut], 0) is None
    frame = read_frame(data, 0)
    assert frame is not None and text_of(data, frame) == "x" * size


def test_many_at_once_are_taken_one_by_one() -> None:
    chance = Random(3)
    texts = ["y" * chance.randrange(400) for _ in range(50)]
    data = b"".join(sent(text.encode()) for text in texts)
    ends = [0]
    for text in texts:
        frame = read_frame(data, ends[-1])
        assert frame is not None and text_of(data, frame) == text
        ends.append(frame.end)
    assert ends[-1] == len(data) and all(one < other for one, other in pairwise(ends))


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (bytes((0x81, 3)) + b"abc", "not masked"),
        (b"\xc1" + sent(b"abc")[1:], "a bit that means compressed"),
        (b"\x81\xff" + (FRAME_BYTES + 1).to_bytes(8) + b"mask", "too long"),
        (b"\x81\xff" + b"\xff" * 8, "longer than any number"),
        (b"\x89\xfe" + (126).to_bytes(2) + b"mask" + b"x" * 126, "a ping of more than 125 bytes"),
    ],
    ids=["unmasked", "compressed", "long", "endless", "ping"],
)
def test_what_the_library_has_to_judge_is_left_to_it_at_once(data: bytes, why: str) -> None:
    frame = read_frame(data, 0)
    assert frame is not None and frame.wrong and not frame.text, why


@pytest.mark.parametrize(
    ("data", "is_data", "more"),
    [
        (sent(b"", Opcode.PING), False, False),
        (sent(b"abc", Opcode.TEXT, fin=False), True, True),
        (sent(b"abc", Opcode.CONT), True, False),
        (sent(b"abc", Opcode.BINARY), True, False),
        (sent(b"\x03\xe8", Opcode.CLOSE), False, False),
    ],
    ids=["ping", "first piece", "last piece", "bytes", "close"],  # Masks are random, and would be in the names.
)
def test_other_frames_are_whole_and_no_message_of_text(data: bytes, is_data: bool, more: bool) -> None:
    frame = read_frame(data + b"next", 0)
    assert frame is not None
    assert (frame.end, frame.text, frame.data, frame.wrong) == (len(data), False, is_data, False)
    assert frame.more == more


def test_half_a_letter_is_no_text() -> None:
    data = sent("é".encode()[:1])
    frame = read_frame(data, 0)
    assert frame is not None and text_of(data, frame) is None
