"""What people show each other in passing: where they point, where they read, how they are here. Never stored, never
numbered in the room's order, and worth nothing once a newer one is there: a loss costs a moment, never truth.
"""

from __future__ import annotations

from typing import Annotated

import msgspec

from rooms.limits import BLOCK_LETTERS, ID_LETTERS, NUMBER_MAX, UNITS_IN_BLOCK

Fraction = Annotated[float, msgspec.Meta(ge=0.0, le=1.0)]
# No patterns: a page has to be the one that is open, and of a block that is not there nothing is shown. To look for one
# in each pointer takes a tenth of its whole way.
Block = Annotated[str, msgspec.Meta(min_length=1, max_length=BLOCK_LETTERS)]
PageId = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LETTERS)]


class Passing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base of what a window says in passing."""


class At(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A spot on a page that is the same on every screen, however it is laid out ([PO1]).

    On a letter: `check` is the CRC-32 of its block's text, in UTF-8; `offset` its place there, in UTF-16 units; `x` and
    `y` are fractions of the letter's box. Elsewhere `check` is 0, `offset` -1, and they are fractions of the block's.
    """

    block: Block
    check: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]
    offset: Annotated[int, msgspec.Meta(ge=-1, le=UNITS_IN_BLOCK)]
    x: Fraction
    y: Fraction


class Point(Passing, frozen=True):
    """Where somebody points. `at`: None takes the pointer away. `tapped`: with a finger or by keyboard, so it stays for
    a while. `number` grows within a window: what the answer of who sees it names."""

    page: PageId
    at: At | None
    tapped: bool
    number: Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)]


class Sees(Passing, frozen=True):
    """The point with this `number` that the participant `of` tapped is in sight on this screen."""

    of: Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LETTERS)]
    number: Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)]


class Line(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A line of a page, the same on every screen: how far on in a block's letters it begins, as a fraction of them.
    Where a block has no letters, of its height."""

    block: Block
    y: Fraction


class Place(Passing, frozen=True):
    """Where somebody reads, moved there by their own hand. `resting`: the hand has come to rest."""

    page: PageId
    at: Line
    resting: bool


class Way(Passing, frozen=True):
    """How a window is here. `along`: its page goes along with the others', it is not on its own. `away`: it is not in
    sight, its device does something else."""

    along: bool = True
    away: bool = False
