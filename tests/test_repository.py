"""What is committed: nothing that names somebody's machine or shop, nothing that is made, nothing half done."""

from __future__ import annotations

import json
import re
import subprocess
import tomllib
from pathlib import Path

from tests.mutations import TOP

TOP_LEVEL = {
    ".ci",
    ".gitignore",
    "LICENSE",
    "Makefile",
    "Procfile",
    "README.md",
    "client_templates",
    "docs",
    "pyproject.toml",
    "requirements-dev.txt",
    "requirements-node.txt",
    "requirements.txt",
    "rooms",
    "server",
    "tests",
}
# Written in parts, or this file would be the first that names them.
HOSTS = re.compile("|".join(["npmjs" + r"\.(org|com)", "pypi" + r"\.org", "python" + "hosted", "yarn" + r"pkg\.com"]))
PLACES = re.compile(r"(?<![\w.~>-])/" + "(work|root|home|tmp|Users|private)" + r"(/|\b)(?!\.)")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b|NotImplemented" + "Error")
EXCUSED = re.compile(r"#\s*(type: " + r"ignore|no" + r"qa)(?P<rest>.*)")
SKIPPED = re.compile(r"pytest\.(mark\.)?(skip|xfail)" + r"\w*|importor" + "skip")
PAUSES = re.compile(r"\b(asyncio|time)\.sleep\((?!0\))")


def tracked() -> list[Path]:
    """All files of the repository, as git knows them; those deleted in the work tree left out."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True).stdout.decode()
    return [TOP / name for name in listed.split("\0") if name and (TOP / name).is_file()]


def lines_that_match(pattern: re.Pattern[str], *suffixes: str, within: str = "") -> list[str]:
    found = []
    for path in tracked():
        name = path.relative_to(TOP).as_posix()
        if (suffixes and path.suffix not in suffixes) or not name.startswith(within):
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if pattern.search(line):
                found.append(f"{name}:{number}: {line.strip()}")
    return found


def test_the_top_is_what_it_is_meant_to_be() -> None:
    assert {path.relative_to(TOP).parts[0] for path in tracked()} <= TOP_LEVEL


def test_no_file_names_a_registry_host() -> None:
    assert lines_that_match(HOSTS) == []


def test_no_file_names_a_place_on_somebodys_machine() -> None:
    assert lines_that_match(PLACES) == []


def test_nothing_that_is_made_is_committed() -> None:
    made = {"node_modules", "built", "__pycache__", ".venv", ".data"}
    assert [path for path in tracked() if made & set(path.parts) or path.suffix in (".mo", ".pyc", ".db")] == []


def test_nothing_is_half_done() -> None:
    assert lines_that_match(UNFINISHED, ".py", ".ts", ".mjs", ".html", ".css", ".md", ".toml") == []


def test_no_test_is_skipped() -> None:
    assert lines_that_match(SKIPPED, ".py") == []


def test_no_test_lets_time_pass_but_the_one_place_that_waits() -> None:
    """Where the simulated world's loop runs the tests, sleeping takes no time: its clock jumps."""
    found = [
        line
        for line in lines_that_match(PAUSES, ".py", within="tests/")
        if not line.startswith(("tests/waiting.py", "tests/world/"))
        and "tests.world.loop" not in (TOP / line.partition(":")[0]).read_text(encoding="utf-8")
    ]
    assert found == []


def test_an_excuse_to_a_checker_has_its_reason_beside_it() -> None:
    found = []
    for line in lines_that_match(EXCUSED, ".py"):
        excuse = EXCUSED.search(line)
        assert excuse is not None
        reason = re.sub(r"^[:\s]*(\[[\w, -]+\]|[A-Z]+\d+(, ?[A-Z]+\d+)*)?", "", excuse["rest"]).strip(" #-()")
        if len(reason) < 10:
            found.append(line)
    assert found == []


PICTURE = TOP / "docs" / "side-by-side.png"
"""Made by `tests/browser/picture.py`."""


def test_everything_but_the_picture_is_text_that_ends_with_a_line() -> None:
    assert PICTURE in tracked()
    for path in tracked():
        if path == PICTURE:
            assert path.read_bytes().startswith(b"\x89PNG")
            continue
        text = path.read_bytes()
        assert b"\r\n" not in text, path
        assert not text or text.endswith(b"\n"), path


def locked(name: str) -> dict[str, str]:
    """Package → version, of a file of requirements; every one of them has to be pinned and to have a hash."""
    text = (TOP / name).read_text(encoding="utf-8")
    entries = re.findall(r"^([a-z0-9][\w.-]*)==(\S+)[^\\\n]*\\\n    --hash=sha256:[0-9a-f]{64}", text, re.MULTILINE)
    assert len(entries) == len(re.findall(r"^[a-z0-9]", text, re.MULTILINE)), name
    return dict(entries)


def test_the_locks_hold_everything_that_is_declared() -> None:
    declared = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
    groups = declared["dependency-groups"]
    run, dev, node = (locked(f"requirements{part}.txt") for part in ("", "-dev", "-node"))
    for lock, wanted in (
        (run, declared["project"]["dependencies"]),
        (dev, [*declared["project"]["dependencies"], *groups["dev"]]),
        (node, groups["node"]),
    ):
        assert {re.split(r"[<>=;\s]", each)[0] for each in wanted} <= set(lock)
    assert run.items() <= dev.items(), "the tests have to run what is run"


def test_the_client_is_locked_with_hashes() -> None:
    lock = json.loads((TOP / "client_templates" / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert packages
    assert [name for name, package in packages.items() if "integrity" not in package or "resolved" in package] == []
