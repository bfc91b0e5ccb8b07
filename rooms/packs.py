"""Content packs: what may be opened. Values only; reading files and making HTML of them is the server's."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

PAGE_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")
BLOCK_ID = re.compile(r"[a-z][a-z0-9-]{0,39}")


class Page(msgspec.Struct, frozen=True):
    """One page. `blocks` are the ids of its paragraphs, lists and pictures: what a pointer will name.

    `summary` is one sentence for the choice on the home page; `area` groups pages there.
    """

    id: str
    title: str
    summary: str
    area: str
    blocks: tuple[str, ...]


class Pack(msgspec.Struct, frozen=True):
    id: str
    language: str
    home: str
    pages: tuple[Page, ...]

    @property
    def page_ids(self) -> tuple[str, ...]:
        return tuple(page.id for page in self.pages)


class PackError(ValueError):
    """A pack cannot be used. The text says which page and why."""


def check_pack(pack_id: str, language: str, home: str, pages: Sequence[Page]) -> Pack:
    """A pack whose ids are well formed and unique, and whose home exists ([PK1], [PK2]).

    Raises:
        PackError: naming the first page or block that is wrong.
    """
    ids = [page.id for page in pages]
    for page in pages:
        if not PAGE_ID.fullmatch(page.id):
            raise PackError(f"page {page.id!r}: an id is small letters, digits and hyphens, 40 at most")
        if ids.count(page.id) > 1:
            raise PackError(f"page {page.id!r} is there twice")
        if not page.title.strip() or not page.summary.strip():
            raise PackError(f"page {page.id!r} needs a title and a summary")
        for block in page.blocks:
            if not BLOCK_ID.fullmatch(block):
                raise PackError(f"page {page.id!r}: block id {block!r} is not small letters, digits and hyphens")
            if page.blocks.count(block) > 1:
                raise PackError(f"page {page.id!r}: block id {block!r} is there twice")
    if home not in ids:
        raise PackError(f"home page {home!r} is not in the pack")
    return Pack(pack_id, language, home, tuple(pages))
