"""One page together."""

from rooms import Already, Refusal
from rooms.events import PageTurned
from tests.rooms.story import Story, sam_and_alex


def test_pg1_only_pages_of_the_session() -> None:
    story = sam_and_alex()
    assert story.turns("sam", "elsewhere") == Refusal("unknown_page")
    assert story.page == "home"


def test_pg1_the_home_page_is_one_of_them() -> None:
    assert Story().opens(home="elsewhere") == Refusal("unknown_page")


def test_pg2_whoever_opens_a_page_takes_everybody_there() -> None:
    story = sam_and_alex()
    assert story.turns("sam", "hard-days") == (PageTurned("hard-days", "sam"),)
    assert story.sees("alex").page == "hard-days"
    assert story.sees("alex").turned_by == "sam"


def test_pg3_the_page_that_is_open_is_nothing_new() -> None:
    story = sam_and_alex()
    story.turns("sam", "hard-days")
    assert story.turns("alex", "hard-days") == Already()
    assert story.sees("sam").turned_by == "sam"


def test_pg4_back_is_a_page_turn_like_any_other() -> None:
    story = sam_and_alex()
    story.turns("sam", "hard-days")
    assert story.turns("alex", "home") == (PageTurned("home", "alex"),)
    assert story.sees("sam").page == "home"
