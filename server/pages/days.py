"""Days and times of day as people write them into a form, on the clinic's clocks."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

A_MINUTE = 60 * 1000
A_DAY = 24 * 3600 * 1000
A_YEAR = 366 * A_DAY


def moment(day: str, time: str, zone: ZoneInfo) -> int | None:
    """A day and a time of day, as the browser's fields give them, in milliseconds since 1970, UTC; None when they are
    none."""
    try:
        return _milliseconds(datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def to_come(day: str, time: str, zone: ZoneInfo, now: int) -> int | None:
    """As `moment`, but None also when it is over, by more than a minute, or more than a year ahead of `now`."""
    at = moment(day, time, zone)
    return at if at is not None and now - A_MINUTE <= at <= now + A_YEAR else None


def beginning_of(day: str, zone: ZoneInfo) -> int | None:
    """The first moment of a day."""
    return moment(day, "00:00", zone)


def end_of(day: str, zone: ZoneInfo) -> int | None:
    """The first moment after a day. Not 24 hours later: when the clocks change, a day is shorter or longer."""
    try:
        return _milliseconds((datetime.fromisoformat(f"{day}T00:00") + timedelta(days=1)).replace(tzinfo=zone))
    except (ValueError, OverflowError):
        return None


def _milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1000)
