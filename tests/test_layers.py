"""Who may import whom. One way only: rules know nothing of the server, the hub nothing of its adapters."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.mutations import TOP

PURE = {"__future__", "collections", "dataclasses", "enum", "re", "typing", "unicodedata", "msgspec", "rooms"}
"""All that the rules may use. Not in it: clocks, chance, files, sockets, tasks."""
ADAPTERS = ("server.store", "server.bus")
HUB = ("server.hub", "server.open_room", "server.sweep")
KNOWN_BY_THE_HUB = {"server.ports", *HUB}


def modules(package: str) -> dict[str, Path]:
    """Dotted name → file, of every module in a package."""
    found = {}
    for path in sorted((TOP / package).rglob("*.py")):
        parts = path.relative_to(TOP).with_suffix("").parts
        found[".".join(part for part in parts if part != "__init__")] = path
    return found


def imports(name: str, path: Path) -> set[str]:
    """Dotted names of the modules that `path` imports, wherever in the file, for types only or not."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: imports are written out in full"
            module = node.module or ""
            named = {f"{module}.{alias.name}" for alias in node.names}
            found |= {each if each in EVERY else module for each in named}
    return found


EVERY = {**modules("rooms"), **modules("server")}
IMPORTS = {name: imports(name, path) for name, path in EVERY.items()}


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(package + ".") for package in packages)


def test_the_rules_are_pure() -> None:
    for name in modules("rooms"):
        foreign = {module for module in IMPORTS[name] if module.split(".")[0] not in PURE}
        assert not foreign, f"{name} imports {foreign}"


def test_the_rules_ask_for_no_time_and_no_chance_by_another_way() -> None:
    for name, path in modules("rooms").items():
        calls = {
            ast.unparse(node.func)
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call)
        }
        assert not calls & {"open", "print", "input", "__import__", "eval", "exec", "id", "hash"}, name


def test_the_hub_knows_promises_not_adapters() -> None:
    for name in HUB:
        ours = {module for module in IMPORTS[name] if within(module, ("server",))}
        assert ours <= KNOWN_BY_THE_HUB, f"{name} imports {ours - KNOWN_BY_THE_HUB}"


def test_sockets_and_pages_do_not_know_each_other() -> None:
    for name, imported in IMPORTS.items():
        if within(name, ("server.pages",)):
            assert not any(within(module, ("server.sockets", "server.packet")) for module in imported), name
        if within(name, ("server.sockets", "server.packet")):
            assert not any(within(module, ("server.pages",)) for module in imported), name


def test_only_the_app_names_adapters() -> None:
    for name, imported in IMPORTS.items():
        if name == "server.app" or within(name, ADAPTERS):
            continue
        named = {module for module in imported if within(module, ADAPTERS)}
        assert not named, f"{name} imports {named}"


def test_nothing_imports_the_app_but_the_command_line() -> None:
    for name, imported in IMPORTS.items():
        if name != "server.__main__":
            assert "server.app" not in imported, name


def test_what_is_imported_is_declared() -> None:
    """Every package that the product imports stands in `pyproject.toml`, not only in somebody's virtual environment."""
    declared = (TOP / "pyproject.toml").read_text(encoding="utf-8").partition("[dependency-groups]")[0]
    distribution = {
        "argon2": "argon2-cffi",
        "engineio": "python-engineio",
        "markdown_it": "markdown-it-py",
        "mdit_py_plugins": "mdit-py-plugins",
        "socketio": "python-socketio",
    }
    for name, imported in IMPORTS.items():
        for module in imported:
            top = module.split(".")[0]
            if top in sys.stdlib_module_names or top in ("rooms", "server"):
                continue
            assert f'"{distribution.get(top, top)}>=' in declared, f"{name} imports {top}"
