"""What can be opened."""

import pytest

from rooms.packs import PackError, Page, check_pack

HOME = Page("home", "Home", "Where to begin.", "start", ("welcome",))


def page(id: str = "people", title: str = "People", summary: str = "Near.", blocks: tuple[str, ...] = ()) -> Page:
    return Page(id, title, summary, "around", blocks)


def test_pk1_ids_are_what_a_pointer_can_name() -> None:
    pack = check_pack("starter", "en", "home", [HOME, page(blocks=("first", "a-2"))])
    assert pack.page_ids == ("home", "people")


@pytest.mark.parametrize(
    "wrong",
    [
        page(id="People"),
        page(id="9lives"),
        page(id="p" * 41),
        page(id="home"),
        page(blocks=("First",)),
        page(blocks=("one", "one")),
        page(title=" "),
        page(summary=""),
    ],
    ids=["capital", "digit first", "long", "twice", "block capital", "block twice", "no title", "no summary"],
)
def test_pk1_pk2_a_wrong_page_is_named(wrong: Page) -> None:
    with pytest.raises(PackError) as problem:
        check_pack("starter", "en", "home", [HOME, wrong])
    assert repr(wrong.id) in str(problem.value)


def test_pk2_a_pack_has_a_home() -> None:
    with pytest.raises(PackError, match="'garden'"):
        check_pack("starter", "en", "garden", [HOME])
