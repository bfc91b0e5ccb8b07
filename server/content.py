"""Content packs: a folder of Markdown pages, read and made into HTML once, at the start.

A page file begins with its front matter in TOML between two lines of `+++`. Every block has an id of its own, written
on the line before it as `{#id}`: the id stays when the words change, so that a pointer or a note keeps its place.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.attrs import attrs_block_plugin

from rooms.packs import Pack, PackError, Page, check_pack

STARTER = Path(__file__).parent.parent / "client_templates" / "content" / "starter"
CHOICES = 7
TITLE = "title"
"""Block id of every page's heading, which is made from its front matter."""

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=160)]


class PackFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`pack.toml`. `pages` in the order in which they are offered."""

    id: Text
    language: Text
    home: Text
    pages: tuple[Text, ...]


class FrontMatter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    title: Text
    summary: Text
    area: Text
    choices: Annotated[tuple[Text, ...], msgspec.Meta(max_length=CHOICES)] = ()


class Rendered(msgspec.Struct, frozen=True):
    """One page, ready to be shown. `html` is what follows the heading; `choices` are the pages it offers to open."""

    id: str
    title: str
    summary: str
    area: str
    html: str
    choices: tuple[Page, ...]
    digest: str


class Content(msgspec.Struct, frozen=True):
    """A pack with its pages as HTML. `digest` names exactly this content."""

    pack: Pack
    pages: Mapping[str, Rendered]
    digest: str


def load_content(folder: Path = STARTER) -> Content:
    """Read a pack.

    Raises:
        PackError: naming the page or file that cannot be used, and why.
    """
    about = _converted(folder / "pack.toml", _text(folder / "pack.toml"), PackFile)
    there = {file.stem for file in folder.glob("*.md")}
    for page_id in sorted(there.symmetric_difference(about.pages)):
        raise PackError(f"page {page_id!r}: pack.toml and the files in the folder do not agree")
    sources = {page_id: _read_page(folder / f"{page_id}.md") for page_id in about.pages}
    pages = [_page(page_id, *source) for page_id, source in sources.items()]
    pack = check_pack(about.id, about.language, about.home, pages)
    by_id = {page.id: page for page in pages}
    rendered = {page_id: _rendered(by_id, page_id, *source) for page_id, source in sources.items()}
    return Content(pack, rendered, _digest("".join(page.digest for page in rendered.values())))


def _read_page(file: Path) -> tuple[FrontMatter, Sequence[Token]]:
    head, *parts = _text(file).split("+++\n", 2)
    if head or len(parts) != 2:
        raise PackError(f"page {file.stem!r}: must begin with its front matter between two lines +++")
    front, body = parts
    return _converted(file, front, FrontMatter), _blocks(file.stem, body)


def _blocks(page_id: str, body: str) -> Sequence[Token]:
    """The page as Markdown tokens, each block marked with its id."""
    tokens = _MARKDOWN.parse(body)
    for token in _blocks_of(tokens):
        block_id = token.attrs.get("id")
        if not isinstance(block_id, str):
            where = token.map[0] + 1 if token.map else 0
            raise PackError(f"page {page_id!r}: the block in line {where} of the text needs an id, like {{#first}}")
        # Prefixed, so that no block can take the id of a part of the page around it.
        token.attrs = {"id": f"b-{block_id}", "data-block": block_id}
    for inline in (child for token in tokens for child in token.children or ()):
        if inline.type in ("link_open", "image"):
            raise PackError(f"page {page_id!r}: links and pictures are not shown yet; name pages in choices")
    return tokens


def _blocks_of(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.level == 0 and token.nesting >= 0 and token.type != "inline"]


def _page(page_id: str, front: FrontMatter, tokens: Sequence[Token]) -> Page:
    blocks = (TITLE, *(str(token.attrs["data-block"]) for token in _blocks_of(tokens)))
    return Page(page_id, front.title, front.summary, front.area, blocks)


def _rendered(pages: Mapping[str, Page], page_id: str, front: FrontMatter, tokens: Sequence[Token]) -> Rendered:
    for choice in front.choices:
        if choice not in pages:
            raise PackError(f"page {page_id!r}: offers page {choice!r}, which is not in the pack")
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    choices = tuple(pages[choice] for choice in front.choices)
    return Rendered(page_id, front.title, front.summary, front.area, html, choices, _digest(front.title + html))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PackError(f"{file.name}: cannot be read ({type(error).__name__})") from None


T = TypeVar("T")


def _converted(file: Path, toml: str, kind: type[T]) -> T:
    try:
        return msgspec.convert(tomllib.loads(toml), kind, strict=True)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise PackError(f"{file.name}: {error}") from None


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).use(attrs_block_plugin, allowed=["id"])
