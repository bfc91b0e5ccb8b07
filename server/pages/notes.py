"""The notes on a page: their boxes in order, with what stands in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from rooms.notes import BOXES
from server.words import N_

TITLES = {
    "looked": N_("What we looked at"),
    "brought_up": N_("What it brought up"),
    "felt": N_("How it felt"),
    "next": N_("What next"),
}
assert tuple(TITLES) == BOXES, "every box has a title, in their order"


class Box(msgspec.Struct, frozen=True):
    """One box: its id, its title as the catalogue has it, and its text."""

    id: str
    title: str
    text: str


def boxes(texts: Mapping[str, str]) -> Sequence[Box]:
    """All boxes of the notes."""
    return [Box(box, title, texts[box]) for box, title in TITLES.items()]


def written(texts: Mapping[str, str]) -> Sequence[Box]:
    """Those in which something stands."""
    return [box for box in boxes(texts) if box.text.strip()]
