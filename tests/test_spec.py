"""`rooms/SPEC.md` and what cites it: no rule without a test, no number that stands for nothing."""

from __future__ import annotations

import re
from pathlib import Path

from tests.mutations import TOP

RULE = re.compile(r"^- \*\*\[([A-Z]{2}\d+)\]\*\*", re.MULTILINE)
CITED = re.compile(r"\[([A-Z]{2}\d+)\]")
IN_A_NAME = re.compile(r"def test_\w*")
ENDINGS = {".py", ".ts", ".md", ".html", ".toml", ".css", ".mjs"}


def numbered() -> list[str]:
    return RULE.findall((TOP / "rooms" / "SPEC.md").read_text(encoding="utf-8"))


def files(*folders: str) -> list[Path]:
    found = [path for folder in folders for path in sorted((TOP / folder).rglob("*")) if path.suffix in ENDINGS]
    return [path for path in found if not {"node_modules", "built"} & set(path.parts)]


def cited_in(path: Path) -> set[str]:
    return set(CITED.findall(path.read_text(encoding="utf-8")))


def named_by_tests() -> set[str]:
    """Ids in the names of tests (`test_pg3_…`) and in what their docstrings cite."""
    named: set[str] = set()
    for path in files("tests"):
        if path.name.startswith("test_") or path.name.endswith(("_contract.py", ".test.ts")):
            text = path.read_text(encoding="utf-8")
            named |= set(CITED.findall(text))
            for name in IN_A_NAME.findall(text):
                named |= {part.upper() for part in name.split("_")}
    return named


def test_every_rule_has_a_number_of_its_own() -> None:
    numbers = numbered()
    assert len(numbers) > 30
    assert len(numbers) == len(set(numbers))


def test_every_rule_is_named_by_a_test() -> None:
    missing = [number for number in numbered() if number not in named_by_tests()]
    assert not missing, f"no test names {', '.join(missing)}"


def test_every_number_that_is_cited_stands_for_a_rule() -> None:
    known = set(numbered())
    unknown = {
        f"{path.relative_to(TOP)}: [{number}]"
        for path in files("rooms", "server", "tests", "client_templates", "docs")
        for number in cited_in(path) - known
    }
    assert not unknown, "\n".join(sorted(unknown))
