"""What a packet has to be before the libraries below get to see it.

Two layers arrive in one text: Engine.IO (`3`, `4…`) and, inside its messages, Socket.IO (`0{…}`, `2["name",{…}]`).
Every rule has one name in `Rule`. A packet that breaks one raises `Malformed`; `sockets.py` counts, and closes.
"""

from __future__ import annotations

import re
from enum import Enum, unique
from typing import Any, Final

import msgspec
from socketio import packet as socketio_packet

from rooms.limits import COMMAND_BYTES, JSON_DEPTH, NUMBER_MAX, PASSING_BYTES, WRITE_BYTES
from rooms.pointers import Point
from rooms.wire import FROM_CLIENT, Submission

NUMBER_LETTERS: Final = 20
"""How long one number in JSON may be: what a 64-bit number needs."""
PACKETS_PER_POST: Final = 256
SEPARATOR: Final = "\x1e"


@unique
class Rule(Enum):
    """Everything that can be wrong with a packet, and what it means."""

    # Engine.IO: how a packet travels
    EMPTY = "no letter at all"
    BINARY = "bytes, or base64 that stands for bytes"
    NOT_TEXT = "bytes of a post that are not UTF-8"
    TOO_LARGE = "longer than any command may be"
    TOO_MANY = "more packets in one post than a client ever has"
    ENGINE_TYPE = "a type of Engine.IO that only servers send, or none"
    PROBE = "a probe outside an upgrade, or an upgrade without one"
    UNASKED_PONG = "an answer to no question, or with words in it"
    CLOSE_WITH_WORDS = "a close that says more than close"
    # Socket.IO: what it means
    SOCKET_TYPE = "a type of Socket.IO that only servers send, or none"
    ATTACHMENT = "binary attachments announced"
    NAMESPACE = "another namespace than the only one"
    ACK = "an acknowledgement, or the wish for one"
    DIGITS = "a number longer than any that is meant"
    DEPTH = "nested deeper than anything that is meant"
    JSON = "not JSON"
    SURROGATE = "half a letter"
    SHAPE = "not a list of an event's name and its one argument"
    EVENT_NAME = "an event that does not exist"
    ARGUMENTS = "no argument, or more than one"
    DISCONNECT_WITH_WORDS = "a disconnect that says more than disconnect"
    # Order
    TOO_EARLY = "an event before the connect"
    CONNECTED_TWICE = "a second connect"
    OVERLAP = "a second post or a second poll while the first is under way"
    # Contents (`rooms/wire.py`)
    HELLO = "a connect payload that is none"
    COMMAND = "a command that is none"
    POSITION = "a position that is none"
    DIGESTS = "digests of notes that are none"
    PASSING = "a pointer, a place, or the like, that is none"


class Malformed(ValueError):
    """A packet that no honest client sends. Holds the rule it broke and its size, never its content."""

    def __init__(self, rule: Rule, size: int) -> None:
        super().__init__(rule.name)
        self.rule = rule
        self.size = size


# --- Engine.IO ----------------------------------------------------------------------------------------------------

WRITES: Final = re.compile(r'42\["command",\{"number":\d{1,10},"command":\{"type":"write",')
CLOSE, PING, PONG, MESSAGE, UPGRADE = "1", "2", "3", "4", "5"
EVENT: Final = MESSAGE + "2"


def check_frame(frame: str | bytes, *, asked: bool) -> str:
    """The Engine.IO packet of one WebSocket frame, or one part of a post, as text that the library may have.

    Args:
        asked: whether a ping is waiting for its pong.

    Raises:
        Malformed
    """
    if not isinstance(frame, str):
        raise Malformed(Rule.BINARY, len(frame))
    size = len(frame)
    if not frame:
        raise Malformed(Rule.EMPTY, 0)
    if size > COMMAND_BYTES or len(frame.encode()) > COMMAND_BYTES:
        # What is written into the notes may be longer, and has to say at its beginning that it is that.
        if size > WRITE_BYTES or not frame.isascii() or not WRITES.match(frame):
            raise Malformed(Rule.TOO_LARGE, size)
    match frame[0]:
        case "4":
            if frame[1:2] not in tuple("0123456"):
                raise Malformed(Rule.SOCKET_TYPE, size)  # The library would try to read anything else as JSON.
            return frame
        case "3":
            if frame != PONG or not asked:
                raise Malformed(Rule.UNASKED_PONG, size)
            return frame
        case "1":
            if frame != CLOSE:
                raise Malformed(Rule.CLOSE_WITH_WORDS, size)
            return frame
        case "2" | "5":
            raise Malformed(Rule.PROBE, size)
        case "b":
            raise Malformed(Rule.BINARY, size)
    raise Malformed(Rule.ENGINE_TYPE, size)


def check_upgrade(frame: str | bytes, step: int) -> str:
    """The two packets that take a connection from polling to a socket: the probe, the upgrade. Raises `Malformed`."""
    if frame != (PING + "probe", UPGRADE)[step]:
        raise Malformed(Rule.PROBE, len(frame))
    return str(frame)


def split_post(body: bytes) -> list[str]:
    """The packets of one post, not yet checked one by one. Raises `Malformed`."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise Malformed(Rule.NOT_TEXT, len(body)) from None
    if text.count(SEPARATOR) >= PACKETS_PER_POST:
        raise Malformed(Rule.TOO_MANY, len(body))
    return text.split(SEPARATOR)


# --- Socket.IO ----------------------------------------------------------------------------------------------------

TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*+"?|[\[{]|[\]}]|[-+.0-9eE]++', re.DOTALL)
ESCAPE: Final = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)


class Packet(socketio_packet.Packet):  # type: ignore[misc]  # the library carries no types
    """A Socket.IO packet that reads only what our clients send: no attachments, no namespaces, no acknowledgements."""

    uses_binary_events = False

    def decode(self, encoded_packet: str) -> int:
        """Read one packet. Called by the library's constructor. Raises `Malformed`."""
        size = len(encoded_packet)
        kind, rest = encoded_packet[:1], encoded_packet[1:]
        self.packet_type = _packet_type(kind, rest, size)
        self.namespace = None
        self.id = None
        self.data: Any = None
        if rest[:1] == "/":
            raise Malformed(Rule.NAMESPACE, size)
        if rest[:1].isdigit():
            raise Malformed(_rule_for_digits(rest), size)
        if self.packet_type == socketio_packet.DISCONNECT:
            if rest:
                raise Malformed(Rule.DISCONNECT_WITH_WORDS, size)
        elif rest:
            self.data = read_json(rest, size)
        if self.packet_type == socketio_packet.EVENT:
            _check_event(self.data, size)
        return 0


def _packet_type(kind: str, rest: str, size: int) -> int:
    match kind:
        case "0" | "1" | "2":
            return int(kind)
        case "3":
            raise Malformed(Rule.ACK, size)
        case "5" | "6":
            raise Malformed(Rule.ATTACHMENT, size)
    raise Malformed(Rule.SOCKET_TYPE, size)


def _rule_for_digits(rest: str) -> Rule:
    """Digits after the type: the number of attachments, or the number under which an acknowledgement is wished for."""
    digits = re.match(r"\d+", rest)
    length = digits.end() if digits else 1
    if length > len(str(NUMBER_MAX)):
        return Rule.DIGITS
    return Rule.ATTACHMENT if rest[length : length + 1] == "-" else Rule.ACK


def _check_event(data: object, size: int) -> None:
    if not isinstance(data, list) or not data or not isinstance(data[0], str):
        raise Malformed(Rule.SHAPE, size)
    if data[0] not in FROM_CLIENT:
        raise Malformed(Rule.EVENT_NAME, size)
    if len(data) != 2:
        raise Malformed(Rule.ARGUMENTS, size)


def read_json(text: str, size: int) -> Any:
    """What `text` says. Depth, digits and half letters are looked at before a parser is. Raises `Malformed`."""
    depth = 0
    for token in TOKEN.findall(text):
        first = token[0]
        if first in "[{":
            depth += 1
            if depth > JSON_DEPTH:
                raise Malformed(Rule.DEPTH, size)
        elif first in "]}":
            depth -= 1
        elif first == '"':
            if "\\u" in token and _has_half_a_letter(token):
                raise Malformed(Rule.SURROGATE, size)
        elif len(token) > NUMBER_LETTERS:
            raise Malformed(Rule.DIGITS, size)
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        raise Malformed(Rule.JSON, size) from None


_COMMAND: Final = '2["command",'
_submissions: Final = msgspec.json.Decoder(Submission)


def quick_submission(packet: str) -> Submission | None:
    """The command in a Socket.IO packet, read in one step; None for anything that has to be looked at more closely to
    say what it is, and what is wrong with it."""
    if not packet.startswith(_COMMAND) or packet[-1] != "]" or "\\" in packet:
        return None
    try:
        return _submissions.decode(packet[len(_COMMAND) : -1])
    except (msgspec.DecodeError, RecursionError):
        return None


POINT: Final = EVENT + '["point",'
_points: Final = msgspec.json.Decoder(Point)


def quick_point(frame: str) -> Point | None:
    """The same for a pointer, from a whole frame: there are tens of them a second from each person."""
    if not frame.startswith(POINT) or frame[-1] != "]" or "\\" in frame or len(frame) > PASSING_BYTES:
        return None
    try:
        return _points.decode(frame[len(POINT) : -1])
    except (msgspec.DecodeError, RecursionError):
        return None


def _has_half_a_letter(string: str) -> bool:
    """Whether a JSON string holds a surrogate without its other half: no parser agrees with another about those."""
    waiting_at = -1
    for escape in ESCAPE.finditer(string):
        unit = int(escape[1], 16) if escape[1] else 0
        if waiting_at >= 0:
            if not (0xDC00 <= unit <= 0xDFFF and escape.start() == waiting_at):
                return True
            waiting_at = -1
        elif 0xD800 <= unit <= 0xDBFF:
            waiting_at = escape.end()
        elif 0xDC00 <= unit <= 0xDFFF:
            return True
    return waiting_at >= 0


class Json:
    """msgspec, in the shape of the standard library's module that python-socketio and python-engineio expect."""

    @staticmethod
    def dumps(value: object, **_: object) -> str:
        return msgspec.json.encode(value).decode()

    @staticmethod
    def loads(text: str, **_: object) -> Any:
        return msgspec.json.decode(text)
