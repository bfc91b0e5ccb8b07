"""Suggesting a page to the others."""

import pytest

from rooms import Already, Dismiss, Refusal, Suggest
from rooms.events import PageSuggested, SuggestionDismissed
from rooms.limits import SUGGESTIONS
from tests.rooms.story import Story, sam_and_alex


def suggested(story: Story) -> list[tuple[str, str]]:
    return [(each.page, each.by) for each in story.sees("alex").suggestions]


@pytest.mark.parametrize("who", ["sam", "alex"])
def test_sg1_either_may_suggest_and_nobody_is_taken_anywhere(who: str) -> None:
    story = sam_and_alex()
    assert story.asks(who, Suggest("people")) == (PageSuggested("people", who),)
    assert suggested(story) == [("people", who)]
    assert story.page == "home"


def test_sg2_a_page_is_suggested_once_and_not_while_it_is_open() -> None:
    story = sam_and_alex()
    story.asks("sam", Suggest("people"))
    assert story.asks("alex", Suggest("people")) == Already()
    assert story.asks("sam", Suggest("home")) == Already()
    story.turns("alex", "people")
    assert suggested(story) == []
    assert story.asks("sam", Suggest("people")) == Already()


def test_sg2_there_is_an_end_to_it() -> None:
    story = Story()
    pages = tuple(f"page-{nth}" for nth in range(SUGGESTIONS + 2))
    story.opens(pages=pages, home="page-0")
    story.joins("sam", "Sam")
    for page in pages[1:-1]:
        assert story.asks("sam", Suggest(page)) == (PageSuggested(page, "sam"),)
    assert story.asks("sam", Suggest(pages[-1])) == Refusal("full")
    story.asks("sam", Dismiss(pages[3]))
    assert story.asks("sam", Suggest(pages[-1])) == (PageSuggested(pages[-1], "sam"),)


@pytest.mark.parametrize("who", ["sam", "alex"])
def test_sg3_the_other_may_say_not_now_and_its_owner_may_take_it_back(who: str) -> None:
    story = sam_and_alex()
    story.asks("sam", Suggest("people"))
    story.asks("sam", Suggest("hard-days"))
    assert story.asks(who, Dismiss("people")) == (SuggestionDismissed("people", who),)
    assert story.asks(who, Dismiss("people")) == Already()
    assert suggested(story) == [("hard-days", "sam")]


def test_pg1_only_pages_of_the_session_are_suggested() -> None:
    assert sam_and_alex().asks("sam", Suggest("nowhere")) == Refusal("unknown_page")


def test_pm1_nobody_else_suggests() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    for command in (Suggest("people"), Dismiss("people")):
        assert story.asks("sam", command) == Refusal("left")
        assert story.asks(None, command) == Refusal("not_allowed")
