"""What travels: only what fits the types comes in, and what goes out can be read again."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import Leave, Position, Refusal, RemoveParticipant, TurnPage, wire
from rooms.limits import ID_LETTERS, NUMBER_MAX
from rooms.pointers import At, Line, Place, Point, Sees
from rooms.presence import Here
from tests.rooms.story import sam_and_alex

WINDOW = "w" * 22
WAY = {"along": True, "away": False}
HERE = (Here("alex"), Here("sam", along=False, away=True))
POINT = Point("people", At("first", 2914775003, 12, 0.5, 0.25), True, 7)
PLACE = Place("people", Line("first", 0.4), True)
SECRET = "sam-drinks-tea-at-four"

FIELDS = ["type", "number", "command", "position", "version", "window", "page", "participant"]
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.sampled_from(["type", "turn_page", "leave", "number", "command", "position", "version", "window", "page"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | st.sampled_from(FIELDS), inner, max_size=5),
    max_leaves=12,
)
PARSERS = (wire.parse_hello, wire.parse_submission, wire.parse_catch_up)


def test_lm1_an_honest_hello() -> None:
    hello = wire.parse_hello(
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": ["epoch", 3, "tail"], "mine": WAY}
    )
    assert hello.position is not None
    assert wire.position_of(hello.position) == Position("epoch", 3, "tail")
    assert (
        wire.parse_hello({"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": None, "mine": WAY}).position
        is None
    )


def test_lm1_honest_commands() -> None:
    turn = wire.parse_submission({"number": 1, "command": {"type": "turn_page", "page": "people"}})
    assert turn == wire.Submission(1, TurnPage("people"))
    assert wire.parse_submission({"number": 2, "command": {"type": "leave"}}).command == Leave()
    remove = {"number": 3, "command": {"type": "remove_participant", "participant": "sam"}}
    assert wire.parse_submission(remove).command == RemoveParticipant("sam")
    assert wire.parse_catch_up({"position": ["epoch", 0, ""]}) == Position("epoch", 0, "")


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {"number": 0, "command": {"type": "leave"}},
        {"number": NUMBER_MAX + 1, "command": {"type": "leave"}},
        {"number": "1", "command": {"type": "leave"}},
        {"number": 1, "command": {"type": "join", "participant": "x", "role": "worker", "name": "X"}},
        {"number": 1, "command": {"type": "open_session"}},
        {"number": 1, "command": {"type": "leave", "participant": "alex"}},
        {"number": 1, "command": {"type": "remove_participant"}},
        {"number": 1, "command": {"type": "remove_device", "device": "sams-tablet"}},
        {"number": 1, "command": {"type": "turn_page"}},
        {"number": 1, "command": {"type": "turn_page", "page": 7}},
        {"number": 1, "command": {"type": "leave"}, "more": 1},
    ],
    ids=str,
)
def test_lm1_what_does_not_fit_is_refused_as_a_whole(data: object) -> None:
    with pytest.raises(wire.WireError):
        wire.parse_submission(data)


@pytest.mark.parametrize(
    "data",
    [
        {"version": wire.PROTOCOL_VERSION, "window": "short", "position": None},
        {"version": wire.PROTOCOL_VERSION, "window": "w" * (ID_LETTERS + 1), "position": None},
        {"version": wire.PROTOCOL_VERSION, "window": "w" * 21 + "/", "position": None},
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW},
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": ["epoch", -1, ""]},
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": ["epoch", 2**53, ""]},
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": ["", 1, ""]},
        {"version": wire.PROTOCOL_VERSION, "window": WINDOW, "position": ["epoch", 1]},
        {"version": True, "window": WINDOW, "position": None},
    ],
    ids=str,
)
def test_lm1_a_hello_that_does_not_fit(data: object) -> None:
    with pytest.raises(wire.WireError):
        wire.parse_hello(data)


@pytest.mark.parametrize(
    "data",
    [
        {"number": 1, "command": {"type": SECRET}},
        {"number": 1, "command": {"type": "leave", SECRET: 1}},
        {"number": 1, "command": {"type": f"it's `{SECRET}`\n'x"}},
        {"number": SECRET, "command": {"type": "leave"}},
        {SECRET: SECRET},
    ],
    ids=["kind", "field", "quotes", "number", "all"],
)
def test_lm1_a_refusal_names_no_value(data: object) -> None:
    with pytest.raises(wire.WireError) as problem:
        wire.parse_submission(data)
    assert SECRET not in str(problem.value)
    assert len(str(problem.value)) <= 200


@given(PLAIN)
def test_lm1_anything_parses_or_is_refused(data: object) -> None:
    for parse in PARSERS:
        try:
            parse(data)
        except wire.WireError:
            pass


@given(st.integers(1, NUMBER_MAX), st.from_regex(r"[a-z][a-z0-9-]{0,39}", fullmatch=True))
def test_lm1_a_command_survives_the_way_there(number: int, page: str) -> None:
    sent = wire.Submission(number, TurnPage(page))
    assert wire.parse_submission(msgspec.json.decode(msgspec.json.encode(sent))) == sent


def test_packets_are_what_their_names_say() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", WINDOW, 1)
    view = story.sees("sam")
    frames = wire.event_frames(story.log)
    packets = {
        wire.welcome(view, b"w", (), 1, HERE): wire.Welcome(wire.PROTOCOL_VERSION, view, b"w", (), 1, HERE),
        wire.welcome(None, None, story.log, 0, ()): wire.Welcome(wire.PROTOCOL_VERSION, None, None, frames, 0, ()),
        wire.events(story.log): wire.Events(frames),
        wire.whole(view, b"w"): wire.Whole(view, b"w"),
        wire.answer(WINDOW, 1, "refused", "left"): wire.Answer(WINDOW, 1, "refused", "left"),
        wire.presence(HERE): wire.Presence(HERE),
        wire.pointed("sam", POINT): wire.Pointed("sam", "people", POINT.at, True, 7),
        wire.seen_by("alex", Sees("sam", 7)): wire.SeenBy("alex", 7),
        wire.placed("sam", WINDOW, PLACE, 65_536): wire.Placed("sam", WINDOW, "people", PLACE.at, True, 65_536),
        wire.goodbye("too_slow"): wire.Goodbye("too_slow", True),
    }
    for packet, meant in packets.items():
        name, payload = wire.payload_of(packet)
        assert name in wire.FROM_SERVER
        assert msgspec.convert(payload, type(meant)) == meant
    assert {wire.payload_of(packet)[0] for packet in packets} == set(wire.FROM_SERVER)


def test_every_refusal_of_the_rules_is_on_the_wires_list() -> None:
    """Read from the code, so that a new refusal cannot be forgotten."""
    import ast
    from pathlib import Path

    import rooms

    codes = {
        node.args[0].value
        for path in Path(rooms.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == Refusal.__name__
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(codes) > 10
    assert codes <= set(wire.REFUSALS)
    assert set(wire.REFUSALS) - codes == {"too_fast", "busy", "gap"}
