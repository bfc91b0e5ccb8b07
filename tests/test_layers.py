"""Who may import whom. One way only: rules know nothing of the server, the hub nothing of its adapters."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

import pytest

from tests.mutations import TOP

Imports: TypeAlias = Mapping[str, set[str]]
"""Dotted name of a module → dotted names of all that it imports."""

STANDARD = {"__future__", "collections", "contextlib", "dataclasses", "enum", "functools", "re", "typing", "zlib"}
PURE = {*STANDARD, "unicodedata", "msgspec", "rooms"}
"""All that the rules may use. Not in it: clocks, chance, files, sockets, tasks."""
WORDS = ("rooms.document", "pycrdt")
"""The one file that may know the library for shared text."""
ADAPTERS = ("server.store", "server.bus")
HUB = ("server.hub", "server.open_room", "server.sweep")
HUB_MAY = ("server.ports", *HUB)
SOCKETS = ("server.sockets", "server.packet")
PAGES = ("server.pages",)
DISTRIBUTIONS = {
    "argon2": "argon2-cffi",
    "engineio": "python-engineio",
    "markdown_it": "markdown-it-py",
    "mdit_py_plugins": "mdit-py-plugins",
    "socketio": "python-socketio",
}

USED_BY_OTHERS = {"uvloop", "httptools", "websockets", "python-multipart", "tzdata"}
"""Named by nobody here, and taken up by uvicorn, Starlette and `zoneinfo` when they are there."""


def modules(package: str) -> dict[str, Path]:
    """Dotted name → file, of every module in a package."""
    found = {}
    for path in sorted((TOP / package).rglob("*.py")):
        parts = path.relative_to(TOP).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


EVERY = {**modules("rooms"), **modules("server")}


def imports_of(name: str, text: str) -> set[str]:
    """What a module imports, wherever in the file, for types only or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written out in full"
            module = node.module or ""
            named = {f"{module}.{alias.name}" for alias in node.names}
            found |= {each if each in EVERY else module for each in named}
    return found


REAL: Imports = {name: imports_of(name, path.read_text(encoding="utf-8")) for name, path in EVERY.items()}


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def complaints(imports: Imports) -> Iterator[str]:
    """Everything that goes the wrong way."""
    for name, imported in imports.items():
        for module in sorted(imported):
            if within(name, ("rooms",)) and module.split(".")[0] not in PURE and (name, module) != WORDS:
                yield f"the rules are pure: {name} imports {module}"
            if within(name, HUB) and within(module, ("server",)) and not within(module, HUB_MAY):
                yield f"the hub knows promises, not adapters: {name} imports {module}"
            if within(name, PAGES) and within(module, SOCKETS):
                yield f"pages do not know sockets: {name} imports {module}"
            if within(name, SOCKETS) and within(module, PAGES):
                yield f"sockets do not know pages: {name} imports {module}"
            if within(module, ADAPTERS) and name != "server.app" and not within(name, ADAPTERS):
                yield f"only the app names adapters: {name} imports {module}"
            if within(module, ("server.app",)) and name != "server.__main__":
                yield f"only the command line starts the app: {name} imports {module}"


def test_everything_goes_one_way() -> None:
    assert list(complaints(REAL)) == []


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("rooms.decide", "import time"),
        ("rooms.notes", "from pycrdt import Doc"),
        ("rooms.decide", "from datetime import datetime"),
        ("rooms.room", "import random"),
        ("rooms.views", "import asyncio"),
        ("rooms.wire", "from server.ports import Store"),
        ("server.hub", "from server.store.sqlite import SqliteDatabase"),
        ("server.open_room", "import server.bus.memory"),
        ("server.sweep", "from server import sockets"),
        ("server.pages.session", "from server.sockets import Sockets"),
        ("server.sockets", "from server.pages.session import routes"),
        ("server.identity.tickets", "from server.store.vault import Vault"),
        ("server.pages.desk", "from server import app"),
    ],
)
def test_a_step_the_wrong_way_is_noticed(name: str, line: str) -> None:
    planted = {**REAL, name: REAL[name] | imports_of(name, line)}
    assert len(list(complaints(planted))) >= 1


def test_the_rules_ask_for_no_time_and_no_chance_by_another_way() -> None:
    for name, path in modules("rooms").items():
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert not calls & {"open", "print", "input", "__import__", "eval", "exec", "id", "hash"}, name


def test_what_is_imported_is_declared() -> None:
    """Every package that the product imports stands in `pyproject.toml`, not only in somebody's virtual environment."""
    declared = (TOP / "pyproject.toml").read_text(encoding="utf-8").partition("[dependency-groups]")[0]
    for name, imported in REAL.items():
        for module in imported:
            top = module.split(".")[0]
            if top not in sys.stdlib_module_names and top not in ("rooms", "server"):
                assert f'"{DISTRIBUTIONS.get(top, top)}>=' in declared, f"{name} imports {top}"


def test_what_is_declared_is_used() -> None:
    declared = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    used = {
        DISTRIBUTIONS.get(top, top) for imported in REAL.values() for top in (each.split(".")[0] for each in imported)
    }
    for each in declared:
        assert re.split(r"[<>=;\s]", each)[0] in used | USED_BY_OTHERS, each
