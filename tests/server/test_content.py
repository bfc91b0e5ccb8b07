"""Packs: what stands in the starter, and what a pack may not do."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rooms.packs import PackError
from server.content import CHOICES, load_content

PACK = 'id = "small"\nlanguage = "en"\nhome = "home"\npages = ["home", "other"]\n'
FRONT = '+++\ntitle = "A title"\nsummary = "One sentence."\narea = "Area"\n+++\n'


def pack(folder: Path, home: str = FRONT, about: str = PACK) -> Path:
    (folder / "pack.toml").write_text(about)
    (folder / "home.md").write_text(home)
    (folder / "other.md").write_text(FRONT + "\n{#words}\nHello.\n")
    return folder


def test_the_starter_has_pages_enough_and_every_page_leads_on() -> None:
    content = load_content()
    assert len(content.pages) >= 5
    home = content.pages[content.pack.home]
    assert {page.id for page in home.choices} | {home.id} == set(content.pages), "home offers every page"
    assert all(1 <= len(page.choices) <= CHOICES for page in content.pages.values())


def test_every_block_of_the_starter_carries_its_id_in_the_html() -> None:
    content = load_content()
    for page in content.pack.pages:
        html = content.pages[page.id].html
        assert tuple(re.findall(r'id="b-([\w-]+)" data-block="\1"', html)) == page.blocks[1:]
        assert page.blocks[0] == "title"


def test_html_in_a_page_is_shown_as_letters(tmp_path: Path) -> None:
    content = load_content(pack(tmp_path, FRONT + "{#one}\n<script>alert(1)</script>\n\n{#two}\nA <b>word</b>\n"))
    assert "<script" not in content.pages["home"].html
    assert "&lt;b&gt;" in content.pages["home"].html


def test_an_edited_page_has_another_digest_and_an_untouched_one_the_same(tmp_path: Path) -> None:
    before = load_content(pack(tmp_path, FRONT + "{#one}\nHello.\n"))
    after = load_content(pack(tmp_path, FRONT + "{#one}\nGood day.\n"))
    assert before.digest != after.digest
    assert before.pages["home"].digest != after.pages["home"].digest
    assert before.pages["other"].digest == after.pages["other"].digest


@pytest.mark.parametrize(
    ("home", "why"),
    [
        (FRONT + "A paragraph without id.\n", "needs an id"),
        (FRONT + "{#one}\nHello.\n\n- a list\n- without id\n", "needs an id"),
        (FRONT + "{#one}\nHello.\n\n{#one}\nAgain.\n", "there twice"),
        (FRONT + "{#title}\nHello.\n", "there twice"),
        (FRONT + "{#One}\nHello.\n", "small letters"),
        (FRONT + "{#one}\nA [link](https://example.org).\n", "links and pictures"),
        (FRONT + "{#one}\nA ![picture](a.png).\n", "links and pictures"),
        (FRONT.replace('area = "Area"', 'choices = ["nowhere"]\narea = "Area"') + "{#one}\nHi.\n", "not in the pack"),
        (FRONT.replace('area = "Area"', ""), "area"),
        (FRONT.replace("title", "titel"), "titel"),
        ("{#one}\nHello.\n", "front matter"),
        ('+++\ntitle = "A title"\n', "front matter"),
        ("+++\nno toml\n+++\n", "home.md"),
    ],
)
def test_a_page_that_cannot_be_used_is_named_with_the_reason(tmp_path: Path, home: str, why: str) -> None:
    with pytest.raises(PackError, match="home") as problem:
        load_content(pack(tmp_path, home))
    assert why in str(problem.value)


def test_pages_and_files_have_to_agree(tmp_path: Path) -> None:
    pack(tmp_path)
    (tmp_path / "forgotten.md").write_text(FRONT)
    with pytest.raises(PackError, match="forgotten"):
        load_content(tmp_path)
    (tmp_path / "forgotten.md").unlink()
    (tmp_path / "other.md").unlink()
    with pytest.raises(PackError, match="other"):
        load_content(tmp_path)
