"""The set-up says in one line what is missing, and brings what it can."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.mutations import TOP

NEEDED = ("sh", "uname", "find", "touch", "test", "sed", "cat")


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A folder of a few tools that stands for a PATH without Python and Node.js."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in NEEDED:
        found = shutil.which(name)
        if found:
            (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    """What the Makefile looks at, and nothing installed."""
    tree = tmp_path / "tree"
    client = tree / "client_templates"
    (client / "src").mkdir(parents=True)
    (client / "styles").mkdir()
    for name in ("Makefile", "requirements.txt", "requirements-dev.txt", "requirements-node.txt"):
        shutil.copy2(TOP / name, tree / name)
    for name in ("package-lock.json", ".npmrc", "build.mjs"):
        shutil.copy2(TOP / "client_templates" / name, client / name)
    return tree


def make(tree: Path, path: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`make --just-print …`: what it would do."""
    program = shutil.which("make")
    assert program
    clean = {name: value for name, value in os.environ.items() if "MAKE" not in name and name != "MFLAGS"}
    return subprocess.run(
        [program, "--just-print", *arguments],
        cwd=tree,
        env={**clean, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def only_line(run: subprocess.CompletedProcess[str]) -> str:
    assert run.returncode == 2
    [line] = (run.stdout + run.stderr).splitlines()
    return line


def test_another_machine_is_told_in_one_line(fresh: Path, bare: Path) -> None:
    (bare / "uname").unlink()
    (bare / "uname").write_text("#!/bin/sh\necho Darwin arm64\n")
    (bare / "uname").chmod(0o755)
    line = only_line(make(fresh, str(bare), "run"))
    assert "Linux" in line
    assert "Darwin arm64" in line


def test_a_machine_without_python_is_told_in_one_line(fresh: Path, bare: Path) -> None:
    assert "apt-get install python3" in only_line(make(fresh, str(bare), "run"))


def test_an_older_python_is_passed_over(fresh: Path, bare: Path) -> None:
    (bare / "python3").write_text("#!/bin/sh\nexit 1\n")
    (bare / "python3").chmod(0o755)
    assert "Python 3.11, 3.12 or 3.13" in only_line(make(fresh, str(bare), "run"))


def test_without_node_it_is_brought(fresh: Path, bare: Path) -> None:
    (bare / "python3.12").write_text("#!/bin/sh\nexit 0\n")
    (bare / "python3.12").chmod(0o755)
    run = make(fresh, str(bare), "run")
    assert run.returncode == 0, run.stderr
    steps = run.stdout
    assert steps.index("--requirement requirements.txt") < steps.index("--requirement requirements-node.txt")
    assert steps.index("--requirement requirements-node.txt") < steps.index("npm ci") < steps.index("build.mjs")


def test_with_node_nothing_is_brought_and_only_what_runs_is_installed(fresh: Path) -> None:
    run = make(fresh, os.environ["PATH"], "run")
    assert run.returncode == 0, run.stderr
    if shutil.which("node"):
        assert "requirements-node.txt" not in run.stdout
    assert "--omit=dev" in run.stdout
    assert "requirements-dev.txt" not in run.stdout
    assert run.stdout.rstrip().endswith("-m server serve")


def test_a_phone_is_let_in_when_that_is_asked_for(fresh: Path) -> None:
    run = make(fresh, os.environ["PATH"], "run", "PHONE=1")
    assert run.stdout.rstrip().endswith("-m server serve --phone")


def test_the_long_run_is_the_short_one_with_newcomers_and_benches_by_themselves(fresh: Path) -> None:
    short, long = (make(fresh, os.environ["PATH"], target).stdout for target in ("test", "test-long"))
    alone = ("tests/test_newcomer.py", "tests/bench")
    for each in alone:
        long = long.replace(f" --ignore={each}", "")
    *others, newcomers, benches = long.replace("COPAGE_LONG=1 ", "").splitlines()
    assert short.splitlines() == others
    assert [line.rpartition("-m pytest ")[2] for line in (newcomers, benches)] == list(alone)
    assert long.count("COPAGE_LONG=1") == 3
    assert "--durations=10" in short
    for checker in ("ruff check", "ruff format --check", "mypy", "tsc --noEmit"):
        assert checker in short


def test_what_an_integration_server_runs_is_what_everybody_runs() -> None:
    assert "exec make test" in (TOP / ".ci" / "run").read_text()
    assert os.access(TOP / ".ci" / "run", os.X_OK)
    assert "python -m server serve" in (TOP / "Procfile").read_text()
