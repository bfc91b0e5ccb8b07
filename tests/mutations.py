"""Breaking the product on purpose: a check that cannot fail proves nothing, so some tests run against a broken copy."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
COPIED = ("rooms", "server", "tests", "client_templates", "pyproject.toml")
NOT_COPIED = shutil.ignore_patterns("node_modules", "__pycache__", ".hypothesis", "*.pyc")


def copy_of_the_tree(to: Path) -> Path:
    """A copy of the product and its tests at `to` (a folder that does not exist yet), ready to be broken.

    What npm installed is linked, not copied: nothing in it is ever broken.
    """
    to.mkdir(parents=True)
    for name in COPIED:
        source = TOP / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=NOT_COPIED)
        else:
            shutil.copy2(source, to / name)
    installed = TOP / "client_templates" / "node_modules"
    if installed.exists():
        (to / "client_templates" / "node_modules").symlink_to(installed)
    return to


def mutate(tree: Path, file: str, old: str, new: str) -> None:
    """Replace `old` by `new` in `file` of a copied tree.

    Raises:
        AssertionError: `old` is not there exactly once. The code has changed: write the mutation anew.
    """
    assert tree != TOP, "only a copy may be broken"
    path = tree / file
    text = path.read_text(encoding="utf-8")
    count = text.count(old)
    assert count == 1, f"{file}: the text to be replaced is there {count} times:\n{old}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def run_tests(
    tree: Path, *arguments: str, environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run pytest in a copied tree in a process of its own, and wait for it. Its exit code 1 means: noticed."""
    return run_python(tree, ["-m", "pytest", "-p", "no:cacheprovider", *arguments], environ)


def run_python(
    tree: Path, arguments: Sequence[str], environ: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run this Python in a copied tree, without what an outer pytest has put into the environment."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=tree,
        env={**inherited, "PYTHONDONTWRITEBYTECODE": "1", **(environ or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
