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


def test_pk3_the_starter_has_pages_enough_and_every_page_leads_on() -> None:
    content = load_content()
    areas = {page.area for page in content.pages.values()}
    assert areas >= {"Getting through", "People", "Hope", "Me", "Meaning"}
    read = [page for page in content.pages.values() if page.html.count("data-block") > 4]
    assert len(read) >= 12 and len({page.area for page in read}) == 5
    assert all(1 <= len(page.choices) <= CHOICES for page in content.pages.values())
    there, ahead = set[str](), [content.pack.home]
    while ahead:
        page_id = ahead.pop()
        if page_id not in there:
            there.add(page_id)
            page = content.pages[page_id]
            ahead += [choice.id for choice in page.choices] + [tagged for _, tagged in page.tags]
    assert there == set(content.pages), "all can be come to from home"


def test_pk3_a_tag_has_a_page_that_offers_those_with_it(tmp_path: Path) -> None:
    tagged = FRONT.replace('area = "Area"', 'area = "Area"\ntags = ["Hard days!"]')
    content = load_content(pack(tmp_path, tagged + "{#one}\nHello.\n"))
    assert content.pages["home"].tags == (("Hard days!", "about-hard-days"),)
    assert [choice.id for choice in content.pages["about-hard-days"].choices] == ["home"]
    assert content.pages["about-hard-days"].title == "Hard days!"


def test_a_link_leads_to_a_page_wherever_that_is_for_who_reads(tmp_path: Path) -> None:
    page = load_content(pack(tmp_path, FRONT + "{#one}\nA [link](other).\n")).pages["home"]
    assert page.html_at("/s/x/page/") == (
        '<p id="b-one" data-block="one">A <a href="/s/x/page/other" data-page="other">link</a>.</p>\n'
    )


def test_a_table_scrolls_by_itself_and_says_what_it_is(tmp_path: Path) -> None:
    home = FRONT + "{#head}\n## Days & nights\n\n{#cells}\n| a | b |\n| --- | --- |\n| 1 | *2* |\n"
    html = load_content(pack(tmp_path, home)).pages["home"].html
    assert '<div class="scrolls" role="region" aria-label="Days &amp; nights" tabindex="0">' in html
    assert '<table id="b-cells" data-block="cells">' in html and "<em>2</em>" in html


def test_a_picture_takes_its_room_before_it_comes_and_has_words(tmp_path: Path) -> None:
    (tmp_path / "hill.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="60" height="20"></svg>')
    content = load_content(pack(tmp_path, FRONT + "{#one}\n![A hill](hill.svg)\n"))
    [name] = content.pictures
    html = content.pages["home"].html
    assert f'src="/pictures/{name}"' in html and 'alt="A hill" width="60" height="20"' in html
    assert name.endswith("-hill.svg") and content.pictures[name].data.startswith(b"<svg")


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
        (FRONT + "{#one}\nA [link](https://example.org).\n", "no page of the pack"),
        (FRONT + "{#one}\nA [link](../other).\n", "no page of the pack"),
        (FRONT + "{#one}\nA ![picture](a.png).\n", "not beside the pages"),
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
