"""What travels between server and browser, as `docs/protocol.md` describes it for strangers.

Incoming: JSON that has been read already → values, or `WireError`. Outgoing: values → the text of one Socket.IO packet,
made once however many people it goes to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, TypeVar

import msgspec

from rooms.commands import FromWindow
from rooms.limits import ID_LETTERS, NUMBER_MAX
from rooms.notes import BOXES
from rooms.pointers import At, Line, Passing, Place, Point, Sees, Way
from rooms.presence import Here
from rooms.room import Position, Recorded
from rooms.views import Seen, View, seen

PROTOCOL_VERSION = 4

IN_PASSING: Mapping[str, type[Passing]] = {"mine": Way, "point": Point, "sees": Sees, "place": Place}
"""What a client says in passing, by the name of its event."""
FROM_CLIENT = ("command", "catch_up", "digests", *IN_PASSING)
FROM_SERVER = ("welcome", "events", "whole", "answer", "presence", "pointed", "seen", "placed", "goodbye")

REFUSALS = (
    # of the rules (`rooms/decide.py`)
    "not_here",
    "not_allowed",
    "no_session",
    "session_ended",
    "left",
    "not_your_window",
    "came_to_nothing",
    "session_open",
    "unknown_page",
    "unknown_person",
    "not_agreed",
    "name_unreadable",
    "name_taken",
    "full",
    "alone",
    "notes_full",
    "already_back",
    "not_your_words",
    "taken_over",
    # of the wire and the hub
    "malformed",
    "too_fast",
    "busy",
    "gap",
)
GOODBYES = (
    # code, and whether it is worth coming back
    ("malformed", False),
    ("too_slow", True),
    ("too_fast", True),
    ("busy", True),
    ("shutting_down", True),
    ("left", False),
    ("removed", False),
    ("session_ended", False),
    ("other_version", False),
)


class WireError(ValueError):
    """Bytes or values that no honest client sends. The text names the field, never the value."""


Id = Annotated[str, msgspec.Meta(min_length=1, max_length=ID_LETTERS, pattern=r"^[A-Za-z0-9_-]+$")]
Number = Annotated[int, msgspec.Meta(ge=1, le=NUMBER_MAX)]


class WirePosition(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    epoch: Id
    seq: Annotated[int, msgspec.Meta(ge=0, le=2**53 - 1)]
    tail: Annotated[str, msgspec.Meta(max_length=ID_LETTERS, pattern=r"^[A-Za-z0-9_-]*$")]


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The connect payload. `position` is what the window has already; null asks for a whole view. `mine`: how it is
    here."""

    version: int
    window: Annotated[str, msgspec.Meta(min_length=22, max_length=ID_LETTERS, pattern=r"^[A-Za-z0-9_-]+$")]
    position: WirePosition | None
    mine: Way


class Submission(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One command under its number. Numbers of a window grow; a number that is sent again means the same command."""

    number: Number
    command: FromWindow


class CatchUp(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    position: WirePosition


class Digests(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the notes are in a window at `position`: the CRC-32 of each box's text, in UTF-8."""

    position: WirePosition
    boxes: Annotated[dict[Id, Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)]], msgspec.Meta(max_length=len(BOXES))]


def parse_hello(data: object) -> Hello:
    """The connect payload. Raises `WireError`."""
    return _convert(data, Hello)


def parse_submission(data: object) -> Submission:
    """The payload of `command`. Raises `WireError`."""
    return _convert(data, Submission)


def parse_catch_up(data: object) -> Position:
    """The payload of `catch_up`: where the window stands. Raises `WireError`."""
    return position_of(_convert(data, CatchUp).position)


def parse_digests(data: object) -> tuple[Position, Mapping[str, int]]:
    """The payload of `digests`: where the window stands, and what its notes are there. Raises `WireError`."""
    sent = _convert(data, Digests)
    return position_of(sent.position), sent.boxes


def parse_passing(name: str, data: object) -> Passing:
    """The payload of one of `IN_PASSING`. Raises `WireError`."""
    return _convert(data, IN_PASSING[name])


def position_of(sent: WirePosition) -> Position:
    return Position(sent.epoch, sent.seq, sent.tail)


T = TypeVar("T")


def _convert(data: object, kind: type[T]) -> T:
    try:
        return msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError as error:
        raise WireError(_without_values(str(error))) from None
    except RecursionError:
        raise WireError("nested too deeply") from None


def _without_values(message: str) -> str:
    """msgspec quotes what it was sent when a tag or field is unknown. Nobody's words belong into a log or an answer."""
    return re.sub(r"unknown field `.*`", "an unknown field", re.sub(r"(?s)'.*'", "…", message))[:200]


class EventFrame(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event on the wire: its place, what is seen of it, and whose command it answers."""

    seq: int
    tail: str
    event: Seen
    window: str = ""
    number: int = 0


class Welcome(msgspec.Struct, frozen=True):
    """First thing after connecting. Either `whole` is a view, or `events` are exactly those after the sent position.
    `words`: with a view, the words of the notes, as one update."""

    version: int
    whole: View | None
    words: bytes | None
    events: tuple[EventFrame, ...]
    last: int
    here: tuple[Here, ...]


class Events(msgspec.Struct, frozen=True):
    events: tuple[EventFrame, ...]


class Whole(msgspec.Struct, frozen=True):
    view: View
    words: bytes


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command that no event answers. `outcome` is `already`, `refused` or `again`. `clock` comes with the code `gap`:
    from where to send what was written."""

    window: str
    number: int
    outcome: str
    code: str = ""
    clock: int | None = None


class Presence(msgspec.Struct, frozen=True):
    here: tuple[Here, ...]


class Pointed(msgspec.Struct, frozen=True):
    """Where `by` points; see `pointers.Point`."""

    by: str
    page: str
    at: At | None
    tapped: bool
    number: int


class SeenBy(msgspec.Struct, frozen=True):
    """`by` has your point with this `number` in sight."""

    by: str
    number: int


class Placed(msgspec.Struct, frozen=True):
    """Where `by` reads, in this window of theirs; see `pointers.Place`. Of two, the one with the higher `order` is the
    later, for everybody."""

    by: str
    window: str
    page: str
    at: Line
    resting: bool
    order: int


class Goodbye(msgspec.Struct, frozen=True):
    """Last thing before the server closes. `retry` false: coming back with the same ticket will not help."""

    code: str
    retry: bool


def event_frames(events: Iterable[Recorded]) -> tuple[EventFrame, ...]:
    return tuple(_event_frame(recorded) for recorded in events)


def _event_frame(recorded: Recorded) -> EventFrame:
    stamp = recorded.stamp
    if stamp is None:
        return EventFrame(recorded.seq, recorded.tail, seen(recorded))
    return EventFrame(recorded.seq, recorded.tail, seen(recorded), stamp.window, stamp.number)


def welcome(
    whole: View | None, words: bytes | None, events: Sequence[Recorded], last: int, here: tuple[Here, ...]
) -> str:
    return _packet("welcome", Welcome(PROTOCOL_VERSION, whole, words, event_frames(events), last, here))


def events(recorded: Sequence[Recorded]) -> str:
    return _packet("events", Events(event_frames(recorded)))


def whole(view: View, words: bytes) -> str:
    return _packet("whole", Whole(view, words))


def answer(window: str, number: int, outcome: str, code: str = "", clock: int | None = None) -> str:
    return _packet("answer", Answer(window, number, outcome, code, clock))


def presence(here: tuple[Here, ...]) -> str:
    return _packet("presence", Presence(here))


def pointed(by: str, point: Point) -> str:
    return _packet("pointed", Pointed(by, point.page, point.at, point.tapped, point.number))


def seen_by(by: str, sees: Sees) -> str:
    return _packet("seen", SeenBy(by, sees.number))


def placed(by: str, window: str, place: Place, order: int) -> str:
    return _packet("placed", Placed(by, window, place.page, place.at, place.resting, order))


def goodbye(code: str) -> str:
    return _packet("goodbye", Goodbye(code, dict(GOODBYES)[code]))


_encoder = msgspec.json.Encoder()


def _packet(name: str, payload: msgspec.Struct) -> str:
    """A Socket.IO EVENT packet of the default namespace, as text (`2["name",{…}]`)."""
    return f'2["{name}",{_encoder.encode(payload).decode()}]'


def payload_of(packet: str) -> tuple[str, Any]:
    """The name and payload of a packet made here: for tests and for clients written in Python."""
    name, payload = msgspec.json.decode(packet[1:])
    return name, payload
