"""Packets that no honest client sends: some made by a grammar that breaks one rule each, some honest ones mutated."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from random import Random
from typing import TypeAlias

import msgspec

from rooms.limits import COMMAND_BYTES, FRAME_BYTES, JSON_DEPTH, WRITE_BYTES
from rooms.wire import PROTOCOL_VERSION
from server.packet import Rule
from tests.live_client import HERE

Packet: TypeAlias = str | bytes


def hello(version: object = PROTOCOL_VERSION, position: object = None) -> str:
    """An honest connect of a new window, or nearly."""
    return "40" + _json({"version": version, "window": secrets.token_urlsafe(16), "position": position, "mine": HERE})


def command(number: object, page: object = "home") -> str:
    return "42" + _json(["command", {"number": number, "command": {"type": "turn_page", "page": page}}])


def write(update: str, box: object = "looked", before: str = "") -> str:
    """A command that writes into the notes, with something before it in the packet or not."""
    fields = f'{before}"type":"write","box":{_json(box)},"update":"{update}"'
    return f'42["command",{{"number":1,"command":{{{fields}}}}}]'


def digests(boxes: object, seq: object = 1) -> str:
    return "42" + _json(["digests", {"position": ["epoch", seq, "tail"], "boxes": boxes}])


def point(page: object = "home", at: object = None, number: object = 1) -> str:
    return in_passing("point", {"page": page, "at": at, "tapped": False, "number": number})


def in_passing(event: str, payload: object) -> str:
    return "42" + _json([event, payload])


def catch_up(seq: object) -> str:
    return "42" + _json(["catch_up", {"position": ["epoch", seq, "tail"]}])


Maker: TypeAlias = Callable[[Random], Packet]

GRAMMAR: Mapping[Rule, tuple[Maker, ...]] = {
    Rule.EMPTY: (lambda _: "",),
    Rule.BINARY: (
        lambda r: r.randbytes(r.randrange(1, 400)),
        lambda r: "b" + "QUJD" * r.randrange(40),
        lambda r: "bAAAA" + "=" * r.randrange(9),
    ),
    Rule.TOO_LARGE: (
        lambda r: "4" + "2" * r.randrange(COMMAND_BYTES, 4 * COMMAND_BYTES),
        lambda r: command(1, "a" * r.randrange(COMMAND_BYTES, FRAME_BYTES // 2)),
        lambda r: command(1, "ä" * (COMMAND_BYTES // 2 + r.randrange(99))),
        lambda _: "3" * (COMMAND_BYTES + 1),
        lambda r: write("A" * r.randrange(WRITE_BYTES, WRITE_BYTES + 999)),
        lambda r: write("A" * r.randrange(COMMAND_BYTES, WRITE_BYTES // 2), before='"taken_over":true,'),
        lambda r: write("AAAA", box="ä" * r.randrange(COMMAND_BYTES, 2 * COMMAND_BYTES)),
    ),
    Rule.ENGINE_TYPE: (
        lambda r: r.choice("06789-x\x00\x1d٤²é ") + "probe",
        lambda r: "0" + _json({"sid": "a", "upgrades": ["websocket"] * r.randrange(9)}),
        lambda _: "6",
    ),
    Rule.PROBE: (lambda _: "2probe", lambda _: "2", lambda _: "5", lambda _: "5now"),
    Rule.UNASKED_PONG: (lambda _: "3", lambda _: "3probe", lambda r: "3" + "!" * r.randrange(1, 99)),
    Rule.CLOSE_WITH_WORDS: (lambda _: "1bye", lambda _: "11"),
    Rule.SOCKET_TYPE: (
        lambda r: "4" + r.choice("4789x-[{\x00²٤") + '["command"]',
        lambda _: "4",
        lambda r: "4" + "[" * r.randrange(1000, 8000),
        lambda _: '44{"message":"no"}',
        lambda _: '4"' + "\\" * 4000,
    ),
    Rule.ATTACHMENT: (
        lambda r: f'45{r.randrange(10**9)}-["command",{{"_placeholder":true,"num":0}}]',
        lambda r: f"46{r.randrange(99)}-7[]",
        lambda _: '451-["command"]',
        lambda _: '421-["command",{"_placeholder":true,"num":0}]',
    ),
    Rule.NAMESPACE: (
        lambda _: "40/admin,{}",
        lambda _: '42/,["command",{}]',
        lambda _: "41/x",
        lambda r: "42/" + "a" * r.randrange(5000),
    ),
    Rule.ACK: (
        lambda r: f"43{r.randrange(999)}[]",
        lambda r: f'42{r.randrange(999)}["command",{{}}]',
        lambda _: "4312[]",
    ),
    Rule.DIGITS: (
        lambda r: "42" + "9" * r.randrange(11, 4000) + '["command",{}]',
        lambda r: command(1).replace('"number":1', '"number":1' + "0" * r.randrange(30, 6000)),
        lambda _: "45" + "9" * 20 + "-[]",
        lambda r: '42["catch_up",{"position":["a",1e' + "9" * r.randrange(20, 99) + ',"b"]}]',
    ),
    Rule.DEPTH: (
        lambda r: '42["command",' + "[" * r.randrange(JSON_DEPTH, 4000),
        lambda r: '42["command",' + '{"a":' * (n := r.randrange(JSON_DEPTH, 900)) + "1" + "}" * n + "]",
        lambda r: "40" + "[" * (n := r.randrange(JSON_DEPTH + 1, 3000)) + "]" * n,
    ),
    Rule.JSON: (
        lambda _: '42["command",',
        lambda _: "42[NaN]",
        lambda _: '42["command",{"number":01}]',
        lambda _: "42['command']",
        lambda _: "40{",
        lambda r: '42["command",' + "]" * r.randrange(1, 200),
        lambda r: '42["' + '\\"' * r.randrange(1, 3000),
        lambda _: '42["command",\x00]',
    ),
    Rule.SURROGATE: (
        lambda _: r'42["command",{"number":1,"command":{"type":"turn_page","page":"\ud800"}}]',
        lambda _: r'42["\udc00x",{}]',
        lambda _: r'42["command","\ud83d\ud83d"]',
    ),
    Rule.SHAPE: (lambda _: "42", lambda _: "42{}", lambda _: "42[]", lambda _: '42[{"a":1}]', lambda _: '42"command"'),
    Rule.EVENT_NAME: (
        lambda _: '42["welcome",{}]',
        lambda _: '42["connect",{}]',
        lambda _: '42["disconnect",{}]',
        lambda _: '42["__class__",{}]',
        lambda _: '42["*",{}]',
        lambda _: '42["Command",{}]',
    ),
    Rule.ARGUMENTS: (lambda _: '42["command"]', lambda r: '42["catch_up",{}' + ",{}" * r.randrange(1, 900) + "]"),
    Rule.DISCONNECT_WITH_WORDS: (lambda _: "41{}", lambda _: "41[1]"),
    Rule.CONNECTED_TWICE: (lambda _: hello(), lambda _: "40", lambda _: "40{}"),
    Rule.COMMAND: (
        lambda r: command(r.choice([0, -1, 2**31, "1", None, 1.5, True])),
        lambda r: command(1, r.choice([None, 5, [], {}, True])),
        lambda _: '42["command",null]',
        lambda _: '42["command",[1]]',
        lambda _: '42["command",{"number":1,"command":{"type":"open_session"}}]',
        lambda _: '42["command",{"number":1,"command":{"type":"join","participant":"a","role":"worker","name":"A"}}]',
        lambda _: '42["command",{"number":1,"command":{"type":"leave","participant":"a"}}]',
        lambda r: write("A" * (4 * r.randrange(9) + r.randrange(1, 4))),
        lambda r: write(r.choice(["A===", "A-_A", "\\u0000AAA", "AA A", "====", "AA=A"])),
        lambda r: write("AAAA", box=r.choice([None, 1, [], "b" * 65])),
        lambda r: write("AAAA" * r.randrange(31_000, 39_000)),
    ),
    Rule.POSITION: (
        lambda r: catch_up(r.choice([-1, "1", None, 2**53, 1.5])),
        lambda _: '42["catch_up",{}]',
        lambda _: '42["catch_up",{"position":null}]',
        lambda r: '42["catch_up",{"position":["' + "e" * r.randrange(65, 900) + '",1,"t"]}]',
    ),
    Rule.DIGESTS: (
        lambda r: digests({"looked": r.choice([-1, 2**32, "1", None, 1.5])}),
        lambda r: digests({f"box-{nth}": 1 for nth in range(r.randrange(5, 99))}),
        lambda r: digests(r.choice([None, [], 1, {"": 1}, {"b" * 65: 1}, {"a b": 1}])),
        lambda r: digests({}, r.choice([-1, "1", None, 2**53])),
        lambda _: '42["digests",{}]',
    ),
    Rule.PASSING: (
        lambda r: point(page=r.choice([None, 1, "", "p" * 65, [], {}])),
        lambda r: point(at=r.choice([1, [], ["b"], {}, ["", 0, -1, 0, 0], ["b" * 49, 0, -1, 0, 0]])),
        lambda r: point(at=["first", r.choice([-1, 2**32, "1", 1.5]), 0, 0, 0]),
        lambda r: point(at=["first", 0, r.choice([-2, 65_537, None, 0.5]), 0, 0]),
        lambda r: point(at=["first", 0, -1, *r.choice([(-0.1, 0), (0, 1.1), (None, 0), ("0", 0), (0, 1e300)])]),
        lambda r: point(number=r.choice([0, -1, 2**31, "1", None])),
        lambda r: in_passing("sees", {"of": r.choice(["", "p" * 65, None, 1]), "number": 1}),
        lambda r: in_passing("place", {"page": "home", "at": r.choice([None, [], ["b", 2], ["b", -1]]), "resting": 0}),
        lambda r: in_passing("mine", r.choice([None, [], {"along": 1}, {"along": True, "away": None, "more": 1}])),
    ),
}
"""What can follow an honest connect. The rules about the first packet, and about posts, have attacks of their own."""

BAD_HELLOS: tuple[Maker, ...] = (
    lambda _: "40",
    lambda _: "40null",
    lambda _: "40[]",
    lambda _: '40{"version":2}',
    lambda _: hello(version="2"),
    lambda _: hello(position=["epoch", -1, "tail"]),
    lambda r: hello(position={"seq": r.randrange(9)}),
    lambda _: '40{"version":2,"window":"short","position":null}',
    lambda _: '40{"version":2,"window":"../../../../../../../../etc","position":null}',
    lambda _: hello()[:-1] + ',"participant":"somebody"}',
)


def opening(r: Random) -> Packet:
    """The first packet: mostly an honest connect, or nothing else would ever be looked at."""
    chance = r.random()
    if chance < 0.8:
        return hello()
    return r.choice(BAD_HELLOS)(r) if chance < 0.9 else command(1)


def mutated(r: Random) -> str:
    """An honest packet, with some letters lost, doubled, changed or put elsewhere."""
    text = r.choice([hello(), command(r.randrange(1, 99)), catch_up(r.randrange(9)), "3", "41"])
    for _ in range(r.randrange(1, 6)):
        at = r.randrange(len(text) + 1)
        to = min(len(text), at + r.randrange(1, 12))
        match r.randrange(5):
            case 0:
                text = text[:at] + text[to:]
            case 1:
                text = text[:to] + text[at:to] * r.randrange(1, 30) + text[to:]
            case 2:
                text = text[:at] + r.choice(LETTERS) + text[at:]
            case 3:
                text = text[:at] + r.choice(LETTERS) + text[at + 1 :]
            case _:
                text = text[at:] + text[:at]
    return text


LETTERS = '0123456789[]{}",:\\/-.eEtrufalsn\x00\x1e\x7f é€😀\u2028'


def nasty(r: Random) -> Packet:
    """One packet: broken by a rule, or mutated."""
    if r.random() < 0.35:
        return mutated(r)
    return r.choice(GRAMMAR[r.choice(tuple(GRAMMAR))])(r)


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
