"""What every store has to answer in the same way: what came after a position."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rooms import Position, Recorded
from server.ports import Diverged, Missed


def must_follow(after: Position, events: Sequence[Recorded]) -> None:
    """Raises `ValueError` unless `events` are at least one and numbered on from `after`: a mistake of the caller."""
    numbers = [recorded.seq for recorded in events]
    if not numbers or numbers != list(range(after.seq + 1, after.seq + 1 + len(numbers))):
        raise ValueError(f"events numbered {numbers} do not follow {after.seq}")


def since(
    position: Position, head: Position, known: Iterable[Position], log: Sequence[Recorded]
) -> Missed | Diverged | None:
    """What came after `position`, or `Diverged` unless it can be shown to be in the past and nothing since is missing.

    Args:
        head: where the room stands.
        known: where it stood, besides: its snapshots, and the ground of its session; events before may be gone.
        log: the kept events, oldest first, at least all that are not older than `position`.
    """
    if position == head:
        return None
    if position.epoch != head.epoch or position.seq >= head.seq:
        return Diverged()
    tails = {recorded.seq: recorded.tail for recorded in log}
    tails |= {each.seq: each.tail for each in known}
    if tails.get(position.seq) != position.tail:
        return Diverged()
    events = tuple(recorded for recorded in log if recorded.seq > position.seq)
    if len(events) != head.seq - position.seq:
        return Diverged()
    return Missed(events)
