"""Are two sets of lengths of time alike? The test of Mann and Whitney, with the normal approximation."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations, groupby


def mann_whitney(some: Sequence[float], others: Sequence[float]) -> float:
    """How probable it is that two sets, if they were drawn from one distribution, differ as much in their ranks.

    Needs some 20 values in each; no correction for values that are equal, so it rather errs towards "alike".
    """
    n, m = len(some), len(others)
    of_some = sum(rank for rank, is_some in _ranked(some, others) if is_some)
    expected = n * (n + m + 1) / 2
    spread = math.sqrt(n * m * (n + m + 1) / 12)
    return math.erfc(abs(of_some - expected) / spread / math.sqrt(2))


def least_alike(sets: Mapping[str, Sequence[float]]) -> tuple[float, Mapping[str, float]]:
    """The least probable of all pairs, times their number (who asks often finds something), and each pair by itself."""
    pairs = {f"{one} and {other}": mann_whitney(sets[one], sets[other]) for one, other in combinations(sets, 2)}
    return min(1.0, min(pairs.values()) * len(pairs)), pairs


def _ranked(some: Sequence[float], others: Sequence[float]) -> list[tuple[float, bool]]:
    """Each value's rank, equal ones in the middle of theirs, and whether it is of `some`."""
    ranked: list[tuple[float, bool]] = []
    values = sorted([*((value, True) for value in some), *((value, False) for value in others)])
    for _, equals in groupby(values, key=lambda value: value[0]):
        group = [is_some for _, is_some in equals]
        middle = len(ranked) + (len(group) + 1) / 2
        ranked.extend((middle, is_some) for is_some in group)
    return ranked
