"""[VW2] The examples that the browser's code is held to are what the rules say today, and Python folds them too."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from rooms.events import EVENT_KINDS
from rooms.views import Seen
from tests.golden.write import HERE, TELLERS, Example, files
from tests.rooms.folding import fold


def test_the_files_are_current() -> None:
    written = {path.name: path.read_text(encoding="utf-8") for path in HERE.glob("*.json")}
    assert written == files(), "run: python -m tests.golden.write, and look at what changes"


def test_there_is_an_example_of_every_kind() -> None:
    told = {type(frame.event) for teller in TELLERS for frame in teller().frames}
    assert told == set(get_args(Seen))
    assert {kind.__struct_config__.tag for kind in EVENT_KINDS} - {teller.__name__ for teller in TELLERS} == {
        "session_opened"  # Nobody is there to see it.
    }


@pytest.mark.parametrize("name", sorted(files()))
def test_vw4_numbers_have_no_gap_and_end_where_the_view_stands(name: str) -> None:
    example = msgspec.json.decode((HERE / name).read_bytes(), type=Example)
    first = example.before.position.seq + 1
    assert [frame.seq for frame in example.frames] == list(range(first, first + len(example.frames)))
    if example.frames:
        assert example.after.position.tail == example.frames[-1].tail


@pytest.mark.parametrize("name", sorted(files()))
def test_vw2_folding_the_frames_comes_to_the_same_view(name: str) -> None:
    example = msgspec.json.decode((HERE / name).read_bytes(), type=Example)
    view = example.before
    for frame in example.frames:
        view = fold(view, frame)
    assert view == example.after
