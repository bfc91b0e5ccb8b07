"""The catalogue's template: every text that a person may read, taken from the sources.

`python -m tests.server.catalogue` writes it anew.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import write_po

TOP = Path(__file__).parent.parent.parent
POT = TOP / "client_templates" / "locale" / "copage.pot"

PYTHON = [("**.py", "python")]
TEMPLATES = [("*.html", "jinja2.ext.babel_extract")]
OPTIONS = {"*.html": {"trimmed": "true", "silent": "false"}}
KEYWORDS = {"_": None, "N_": None, "words": None}
"""`words` is how Python says a text at once: `pages.words(...)`."""


def messages() -> Iterator[str]:
    """All texts in the sources, some of them more than once."""
    return (message for _, message in messages_by_file())


def messages_by_file() -> Iterator[tuple[str, str]]:
    """The same, each after the file that it stands in, like `server/pages/door.py`."""
    for folder, methods in ((TOP / "server", PYTHON), (TOP / "client_templates", TEMPLATES)):
        found = extract_from_dir(folder, methods, OPTIONS, KEYWORDS, directory_filter=lambda path: _is_ours(str(path)))
        for file, _, message, _, _ in found:
            assert isinstance(message, str), "the catalogue has no plurals yet"
            yield f"{folder.name}/{file}", message


def template() -> bytes:
    """The catalogue's template as it has to stand in the repository."""
    catalog = Catalog(
        project="Copage",
        version="0.1.0",
        charset="utf-8",
        creation_date=datetime(2026, 1, 1, tzinfo=UTC),
        header_comment="# Every text that Copage says to people. Written by: python -m tests.server.catalogue",
    )
    for message in sorted(set(messages())):
        catalog.add(message)
    text = io.BytesIO()
    write_po(text, catalog, width=120, sort_output=True)
    return text.getvalue()


def _is_ours(folder: str) -> bool:
    return "node_modules" not in folder and "built" not in folder


if __name__ == "__main__":
    POT.parent.mkdir(parents=True, exist_ok=True)
    POT.write_bytes(template())
