"""Every rule bites: without any one refusal, any one check of an update, or any one row of a table of permissions,
`tests/rooms` fails."""

from __future__ import annotations

import ast
import random
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.conftest import Amount
from tests.mutations import TOP, run_tests

TABLES = {"ALLOWED", "SEES_THE_SESSION"}
SEED = 2
"""Which tenth `make test` takes. The long run takes them all."""


@dataclass(frozen=True)
class Wound:
    """What is taken out: bytes from `start` to `end` of `file` give way to `instead`."""

    file: str
    line: int
    what: str
    start: int
    end: int
    instead: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} without {self.what}"


def wounds() -> list[Wound]:
    """All that can be taken out of `rooms/`, in the order of the files."""
    return [wound for path in sorted((TOP / "rooms").glob("*.py")) for wound in _wounds_of(path)]


def _wounds_of(path: Path) -> Iterator[Wound]:
    text = path.read_bytes()
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def wound(node: ast.stmt | ast.expr, instead: str) -> Wound:
        assert node.end_lineno is not None and node.end_col_offset is not None
        start = starts[node.lineno - 1] + node.col_offset
        end = starts[node.end_lineno - 1] + node.end_col_offset
        return Wound(str(path.relative_to(TOP)), node.lineno, text[start:end].decode(), start, end, instead)

    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Return) and node.value is not None:
            if _is_refusal(node.value):
                yield wound(node, "pass")
            elif isinstance(node.value, ast.IfExp) and _is_refusal(node.value.orelse):
                yield wound(node, f"return {ast.unparse(node.value.body)}")
            elif isinstance(node.value, ast.IfExp) and _is_refusal(node.value.body):
                yield wound(node, f"return {ast.unparse(node.value.orelse)}")
        elif isinstance(node, ast.Raise) and _is_unfit(node.exc):
            yield wound(node, "pass")
        elif isinstance(node, ast.Assign | ast.AnnAssign) and _assigned(node) in TABLES:
            assert isinstance(node.value, ast.Call)
            [rows] = node.value.args
            assert isinstance(rows, ast.Set)
            for row in rows.elts:
                yield wound(row, "*()")


def _is_refusal(value: ast.expr) -> bool:
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Refusal"


def _is_unfit(value: ast.expr | None) -> bool:
    """What is wrong with an update of the notes."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Unfit"


def _assigned(node: ast.Assign | ast.AnnAssign) -> str:
    target = node.targets[0] if isinstance(node, ast.Assign) else node.target
    return target.id if isinstance(target, ast.Name) else ""


def is_noticed(wound: Wound, tree: Path) -> bool:
    """Take it out, run the tests of the rules, put it back."""
    path = tree / wound.file
    whole = path.read_bytes()
    path.write_bytes(whole[: wound.start] + wound.instead.encode() + whole[wound.end :])
    try:
        run = run_tests(tree, "tests/rooms", "-x", "-q", "--hypothesis-profile=few", "-p", "no:xdist")
    finally:
        path.write_bytes(whole)
    assert run.returncode in (0, 1), f"{wound}: the tests did not run\n{run.stdout[-3000:]}"
    return run.returncode == 1


def rules_and_their_tests(to: Path) -> Path:
    """A copy of what the tests of the rules need, and nothing else."""
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(TOP / "rooms", to / "rooms", ignore=ignored)
    shutil.copytree(TOP / "tests" / "rooms", to / "tests" / "rooms", ignore=ignored)
    for name in ("tests/__init__.py", "tests/conftest.py", "pyproject.toml"):
        shutil.copy2(TOP / name, to / name)
    return to


@pytest.mark.timeout(900)
def test_every_refusal_and_every_row_is_noticed(amount: Amount, tmp_path: Path) -> None:
    every = wounds()
    assert sum(wound.instead.startswith(("pass", "return")) for wound in every) >= 15
    assert sum(wound.instead == "*()" for wound in every) >= 10
    count = amount(max(3, len(every) // 10), len(every))
    chosen = random.Random(SEED).sample(every, count)
    tree = rules_and_their_tests(tmp_path / "tree")
    whole = run_tests(tree, "tests/rooms", "-x", "-q", "--hypothesis-profile=few", "-p", "no:xdist")
    assert whole.returncode == 0, whole.stdout
    unnoticed = [str(wound) for wound in chosen if not is_noticed(wound, tree)]
    print(f"{count - len(unnoticed)} of {count} noticed (there are {len(every)})")
    assert not unnoticed, "\n".join(unnoticed)
