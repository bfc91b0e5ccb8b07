"""What is written for strangers is true: names, codes, numbers and examples are held against the code."""

from __future__ import annotations

import ast
import re
import typing
from collections.abc import Callable

import msgspec
import pytest

from rooms import limits, views, wire
from rooms.commands import FromWindow
from server import guard, settings, sockets
from tests.mutations import TOP

PROTOCOL = (TOP / "docs" / "protocol.md").read_text(encoding="utf-8")
README = (TOP / "README.md").read_text(encoding="utf-8")
EXAMPLES: list[tuple[str, str]] = re.findall(r"```json (\w+)\n(.*?)```", PROTOCOL, re.DOTALL)
ON_THE_WIRE: tuple[type[msgspec.Struct], ...] = (
    wire.Hello,
    wire.Submission,
    wire.CatchUp,
    wire.Digests,
    *wire.IN_PASSING.values(),
    wire.Welcome,
    wire.Events,
    wire.Whole,
    wire.Answer,
    wire.Presence,
    wire.Pointed,
    wire.SeenBy,
    wire.Placed,
    wire.Goodbye,
)


def section(text: str, heading: str) -> str:
    """From one heading to the next of the same depth or less deep."""
    depth = heading.count("#")
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"no section {heading!r}"
    return re.split(rf"\n#{{1,{depth}}} ", rest)[0]


def rows(text: str) -> list[list[str]]:
    """The cells of a section's tables, without their head rows."""
    lines = [line.strip().strip("|").split(" | ") for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line] for line in lines if not set("".join(line)) <= set("-| ")]
    return [[first.strip("`"), *others] for first, *others in cells]


def named(text: str) -> set[str]:
    return set(re.findall(r"`([a-z_]+)`", text))


def tag_of(kind: type) -> str:
    return str(kind.__struct_config__.tag)  # type: ignore[attr-defined]  # every msgspec struct has it


def test_the_version_is_this_one() -> None:
    assert f"Version **{wire.PROTOCOL_VERSION}**" in PROTOCOL


def test_every_event_has_its_section() -> None:
    assert re.findall(r"^### `(\w+)`$", PROTOCOL, re.MULTILINE) == [*wire.FROM_CLIENT, *wire.FROM_SERVER]


def test_every_refusal_is_explained() -> None:
    listed = rows(section(PROTOCOL, "### Refusals"))[1:]
    assert [row[0] for row in listed] == list(wire.REFUSALS)
    assert {row[0] for row in listed if row[1] == "again"} == {"too_fast", "busy", "gap"}


def test_every_goodbye_is_explained() -> None:
    listed = rows(section(PROTOCOL, "### Goodbyes"))[1:]
    assert [(row[0], row[1] == "yes") for row in listed] == list(wire.GOODBYES)


def test_every_goodbye_is_said_by_the_server() -> None:
    """What is never said, nobody has to understand. The room gives its reasons by name, the others where they close."""
    closing = {"close", "_close_with", "_refused"}
    said = texts("server/open_room.py", lambda node: isinstance(node, ast.Module))
    said |= texts("rooms/views.py", lambda node: isinstance(node, ast.FunctionDef) and node.name == "why_not")
    for file in ("server/hub.py", "server/sockets.py"):
        said |= texts(
            file, lambda node: isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in closing
        )
    assert {code for code, _ in wire.GOODBYES} <= said


def texts(file: str, within: Callable[[ast.AST], bool]) -> set[object]:
    """The constants in those parts of a file."""
    whole = ast.parse((TOP / file).read_text(encoding="utf-8"))
    parts = [node for node in ast.walk(whole) if within(node)]
    return {each.value for part in parts for each in ast.walk(part) if isinstance(each, ast.Constant)}


def test_every_answer_of_http_is_explained() -> None:
    listed = {row[0]: int(row[1]) for row in rows(section(PROTOCOL, "### Refused by HTTP"))[1:]}
    assert listed == guard.REFUSALS | sockets.REFUSALS


def test_every_limit_stands_there_with_its_value() -> None:
    listed = {row[0]: int(row[1]) for row in rows(section(PROTOCOL, "## Limits"))[1:]}
    assert listed == {name: value for name, value in vars(limits).items() if name.isupper()}


def test_every_kind_of_event_is_explained() -> None:
    table = {row[0]: row[1] for row in rows(section(PROTOCOL, "### `events`"))}
    for struct in typing.get_args(views.Seen):
        assert named(table[tag_of(struct)]) == set(struct.__struct_fields__)


def test_every_command_is_explained() -> None:
    table = {row[0]: row[1] for row in rows(section(PROTOCOL, "### `command`"))}
    for struct in typing.get_args(FromWindow):
        assert named(table[tag_of(struct)]) == set(struct.__struct_fields__)


def test_every_field_is_explained() -> None:
    listed = {name for row in rows(PROTOCOL) for name in re.findall(r"\w+", row[0])}
    structs: tuple[type[msgspec.Struct], ...] = (*ON_THE_WIRE, views.View)
    for struct in structs:
        missing = set(struct.__struct_fields__) - listed
        assert not missing, f"{struct.__name__}: {missing}"


@pytest.mark.parametrize(("name", "text"), EXAMPLES, ids=[name for name, _ in EXAMPLES])
def test_every_example_is_what_it_says(name: str, text: str) -> None:
    struct = getattr(wire, name)
    value = msgspec.json.decode(text, type=struct)
    assert msgspec.json.decode(msgspec.json.encode(value)) == msgspec.json.decode(text)


def test_there_is_an_example_of_everything() -> None:
    assert {name for name, _ in EXAMPLES} == {struct.__name__ for struct in ON_THE_WIRE}


def test_the_readme_lists_the_settings() -> None:
    listed = [row[0] for row in rows(section(README, "## Settings"))[1:]]
    assert listed == list(settings.VARIABLES)


def test_the_files_that_the_readme_names_are_there() -> None:
    paths = re.findall(r"`((?:rooms|server|client_templates|tests|docs)/[\w./-]+)`", README)
    assert len(paths) > 10
    for path in paths:
        assert (TOP / path).exists() or path.startswith("client_templates/built"), path
