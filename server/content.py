"""Content packs: a folder of Markdown pages, read and made into HTML once, at the start.

A page file begins with its front matter in TOML between two lines of `+++`. Every block has an id of its own, written
on the line before it as `{#id}`: the id stays when the words change, so that a pointer or a note keeps its place.
A link names a page of the pack: `[small things](small-things)`; a picture is a paragraph by itself and an SVG file
beside the pages: `![what it shows](hills.svg)`. For each tag there is a page that offers the pages with it ([PK3]).
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from html import escape
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
PAGES_AT = "pages-at:"
"""Stands in `Rendered.html` before the id of a page that is linked to: where pages are depends on who reads."""
PICTURE_SIZE = re.compile(r'<svg [^>]*\bwidth="(\d+)" height="(\d+)"')

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
    tags: Annotated[tuple[Text, ...], msgspec.Meta(max_length=CHOICES)] = ()


class Picture(msgspec.Struct, frozen=True):
    """A drawing in SVG, and its size in pixels: it takes its room on the page before it has come."""

    data: bytes
    width: int
    height: int


class Rendered(msgspec.Struct, frozen=True):
    """One page, ready to be shown. `html` is what comes after the heading; `choices` are the pages it offers to open,
    `tags` what it is about: the words, and the page for each."""

    id: str
    title: str
    summary: str
    area: str
    html: str
    choices: tuple[Page, ...]
    tags: tuple[tuple[str, str], ...]
    digest: str

    def html_at(self, address: str) -> str:
        """The HTML for somebody who finds the pages at `address`, which ends with a slash."""
        return self.html.replace(PAGES_AT, address)


class Content(msgspec.Struct, frozen=True):
    """A pack with its pages as HTML, and its pictures by the names under which they are served. `digest` names exactly
    this content."""

    pack: Pack
    pages: Mapping[str, Rendered]
    pictures: Mapping[str, Picture]
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
    files = {file.name: _picture(file) for file in sorted(folder.glob("*.svg"))}
    names = {file: f"{_digest(picture.data.decode())}-{file}" for file, picture in files.items()}
    reader = _Reader(about.pages, {file: (names[file], picture) for file, picture in files.items()})
    sources = {page_id: reader.page(folder / f"{page_id}.md") for page_id in about.pages}
    sources |= _of_tags({page_id: front for page_id, (front, _) in sources.items()})
    pages = [_page(page_id, *source) for page_id, source in sources.items()]
    pack = check_pack(about.id, about.language, about.home, pages)
    by_id = {page.id: page for page in pages}
    rendered = {page_id: _rendered(by_id, page_id, *source) for page_id, source in sources.items()}
    pictures = {names[file]: picture for file, picture in files.items()}
    return Content(pack, rendered, pictures, _digest("".join(page.digest for page in rendered.values())))


def _picture(file: Path) -> Picture:
    text = _text(file)
    size = PICTURE_SIZE.match(text)
    if size is None:
        raise PackError(f'{file.name}: a picture begins with <svg …  width="…" height="…">, in whole pixels')
    return Picture(text.encode(), int(size[1]), int(size[2]))


def _of_tags(fronts: Mapping[str, FrontMatter]) -> dict[str, tuple[FrontMatter, Sequence[Token]]]:
    """A page for each tag: which pages have it."""
    pages: dict[str, tuple[FrontMatter, Sequence[Token]]] = {}
    for tag in sorted({tag for front in fronts.values() for tag in front.tags}):
        choices = tuple(page_id for page_id, front in fronts.items() if tag in front.tags)
        if len(choices) > CHOICES:
            raise PackError(f"page {choices[-1]!r}: more than {CHOICES} pages have the tag {tag!r}")
        title = tag[0].upper() + tag[1:]
        pages[tag_page(tag)] = (FrontMatter(title, title, title, choices), ())
    return pages


def tag_page(tag: str) -> str:
    """The id of the page for a tag."""
    return "about-" + re.sub(r"[^a-z0-9]+", "-", tag.lower()).strip("-")


class _Reader:
    """Reads page files. `pages`: the ids that may be linked to; `pictures`: by file, where each is served, and its
    size."""

    def __init__(self, pages: Iterable[str], pictures: Mapping[str, tuple[str, Picture]]) -> None:
        self._pages = frozenset(pages)
        self._pictures = pictures

    def page(self, file: Path) -> tuple[FrontMatter, Sequence[Token]]:
        """Raises `PackError`."""
        head, *parts = _text(file).split("+++\n", 2)
        if head or len(parts) != 2:
            raise PackError(f"page {file.stem!r}: must begin with its front matter between two lines +++")
        front, body = parts
        return _converted(file, front, FrontMatter), self._blocks(file.stem, body)

    def _blocks(self, page_id: str, body: str) -> Sequence[Token]:
        """The page as Markdown tokens, each block marked with its id."""
        tokens = _MARKDOWN.parse(body)
        heading = ""
        for nth, token in enumerate(tokens):
            if token.type == "heading_open":
                heading = tokens[nth + 1].content
            if token.type == "table_open":
                token.meta["label"] = heading
        for token in _blocks_of(tokens):
            block_id = token.attrs.get("id")
            if not isinstance(block_id, str):
                where = token.map[0] + 1 if token.map else 0
                raise PackError(f"page {page_id!r}: the block in line {where} of the text needs an id, like {{#first}}")
            # Prefixed, so that no block can take the id of a part of the page around it.
            token.attrs = {"id": f"b-{block_id}", "data-block": block_id}
        for inline in (child for token in tokens for child in token.children or ()):
            if inline.type == "link_open":
                self._link(page_id, inline)
            elif inline.type == "image":
                self._image(page_id, inline)
        return tokens

    def _link(self, page_id: str, link: Token) -> None:
        to = str(link.attrs["href"])
        if to not in self._pages:
            raise PackError(f"page {page_id!r}: a link leads to {to!r}, which is no page of the pack")
        link.attrs = {"href": PAGES_AT + to, "data-page": to}

    def _image(self, page_id: str, image: Token) -> None:
        file = str(image.attrs["src"])
        if file not in self._pictures or not image.content.strip():
            raise PackError(
                f"page {page_id!r}: the picture {file!r} is not beside the pages, or nothing says what it shows"
            )
        name, picture = self._pictures[file]
        image.attrs |= {"src": f"/pictures/{name}", "width": picture.width, "height": picture.height}


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
    tags = tuple((tag, tag_page(tag)) for tag in front.tags)
    digest = _digest(front.title + html)
    return Rendered(page_id, front.title, front.summary, front.area, html, choices, tags, digest)


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


def _table_open(self: object, tokens: Sequence[Token], nth: int, options: object, env: object) -> str:
    """A table that is wider than the page scrolls by itself, also by keyboard, and says what it is."""
    label, block = tokens[nth].meta["label"], tokens[nth].attrs
    return (
        f'<div class="scrolls" role="region" aria-label="{escape(label)}" tabindex="0">'
        f'<table id="{block["id"]}" data-block="{block["data-block"]}">\n'
    )


def _table_close(self: object, tokens: Sequence[Token], nth: int, options: object, env: object) -> str:
    return "</table></div>\n"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table").use(attrs_block_plugin, allowed=["id"])
_MARKDOWN.add_render_rule("table_open", _table_open)
_MARKDOWN.add_render_rule("table_close", _table_close)
