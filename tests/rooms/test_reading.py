"""Reading at one place together."""

from rooms import Already, ReadApart, ReadTogether, Refusal, Role
from rooms.events import ReadingAgreed, ReadingStopped
from tests.rooms.story import Story, sam_and_alex


def reading(story: Story) -> tuple[str, ...]:
    return story.sees("alex").reading


def test_rt1_it_holds_once_two_have_agreed() -> None:
    story = sam_and_alex()
    assert story.asks("alex", ReadTogether()) == (ReadingAgreed("alex"),)
    assert story.asks("alex", ReadTogether()) == Already()
    assert reading(story) == ("alex",)
    assert story.asks("sam", ReadTogether()) == (ReadingAgreed("sam"),)
    assert reading(story) == ("alex", "sam")


def test_rt1_it_goes_on_over_a_page_turn_and_a_third_may_agree_later() -> None:
    story = sam_and_alex()
    story.joins("kim", "Kim", Role.WORKER)
    for who in ("sam", "alex"):
        story.asks(who, ReadTogether())
    story.turns("kim", "people")
    story.asks("kim", ReadTogether())
    assert reading(story) == ("sam", "alex", "kim")


def test_rt2_one_tap_ends_it_for_all() -> None:
    story = sam_and_alex()
    assert story.asks("sam", ReadApart()) == Already()
    for who in ("sam", "alex"):
        story.asks(who, ReadTogether())
    assert story.asks("sam", ReadApart()) == (ReadingStopped("sam"),)
    assert reading(story) == ()


def test_rt3_who_leaves_or_is_put_out_ends_it_and_who_did_not_take_part_does_not() -> None:
    for put_out in (False, True):
        story = sam_and_alex()
        story.joins("kim", "Kim")
        for who in ("sam", "alex"):
            story.asks(who, ReadTogether())
        story.leaves("kim")
        assert reading(story) == ("sam", "alex")
        _ = story.removes("alex", "sam") if put_out else story.leaves("sam")
        assert reading(story) == ()


def test_pm1_nobody_else_reads_along() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    assert story.asks("sam", ReadTogether()) == Refusal("left")
    assert story.asks(None, ReadTogether()) == Refusal("not_allowed")
    assert story.asks(None, ReadApart()) == Refusal("not_allowed")
