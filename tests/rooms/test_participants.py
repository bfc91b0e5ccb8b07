"""People come and go."""

import pytest

from rooms import Already, Join, Refusal, Role, already_in_as
from rooms.events import ParticipantJoined, ParticipantLeft
from rooms.limits import NAME_LETTERS, PARTICIPANTS_PER_SESSION
from rooms.names import clean_name, same_name
from tests.rooms.story import NOON, Story, sam_and_alex


def test_pt1_who_is_not_in_the_session_is_refused() -> None:
    story = sam_and_alex()
    assert story.turns("robin", "people") == Refusal("not_here")
    assert story.leaves("robin") == Refusal("not_here")
    assert story.page == "home"


def test_pt2_leaving_is_for_good() -> None:
    story = sam_and_alex()
    assert story.leaves("sam") == (ParticipantLeft("sam"),)
    assert story.turns("sam", "people") == Refusal("left")
    assert story.leaves("sam") == Refusal("left")
    assert story.joins("sam", "Sam") == Refusal("left")


def test_pt2_sam_comes_back_by_a_new_link() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    assert isinstance(story.joins("sam-again", "Sam"), tuple)


def test_pt3_joining_twice_is_nothing_new() -> None:
    story = sam_and_alex()
    assert story.joins("sam", "Sam") == Already()
    assert story.joins("sam", "Samuel") == Already()
    assert story.room.participants["sam"].name == "Sam"


def test_pt4_a_session_has_room_for_eight() -> None:
    story = sam_and_alex()
    for nth in range(PARTICIPANTS_PER_SESSION - 2):
        assert isinstance(story.joins(f"guest-{nth}", f"Guest {nth}"), tuple)
    assert story.joins("late", "Late") == Refusal("full")
    story.leaves("guest-0")
    assert isinstance(story.joins("late", "Late"), tuple)


def test_pt5_a_name_is_shown_as_it_was_meant() -> None:
    story = sam_and_alex()
    joined = story.joins("kim", "  Kim\u202e \u0007of\nBath  ")
    assert joined == (ParticipantJoined("kim", Role.SERVICE_USER, "Kim of Bath", NOON),)


@pytest.mark.parametrize(
    "name", ["", "   ", "\u200d", "\u202e\u2066", "x" * (NAME_LETTERS + 1), "\u0300", "\u3164", "\u2800"]
)
def test_pt5_a_name_has_something_to_read(name: str) -> None:
    assert sam_and_alex().joins("kim", name) == Refusal("name_unreadable")


@pytest.mark.parametrize("name", ["Zoë", "李", "নীলা", "O'Neil-Ray", "🌻", "❤️", "می‌خواهم", "x" * NAME_LETTERS])
def test_pt5_any_name_they_like(name: str) -> None:
    assert clean_name(name) == name


def test_pt6_no_two_people_of_one_name() -> None:
    story = sam_and_alex()
    assert story.joins("other", "SAM") == Refusal("name_taken")
    assert story.joins("other", "Ｓａｍ") == Refusal("name_taken")
    assert story.joins("other", "S\u200dam") == Refusal("name_taken"), "a joiner alone cannot be seen"
    assert story.joins("other", "Sam\ufe0f") == Refusal("name_taken")
    assert story.joins("other", "Sam\u3164") == Refusal("name_taken")
    assert same_name("Straße", "STRASSE")
    assert not same_name("Sam", "Pam")


def test_pt7_five_people_are_as_good_as_two() -> None:
    story = sam_and_alex()
    for who in ("kim", "lee", "max"):
        story.joins(who, who.title())
    story.turns("max", "people")
    assert {story.sees(who).page for who in ("sam", "alex", "kim", "lee", "max")} == {"people"}
    story.leaves("max")
    assert story.sees("sam").page == "people"


def test_pt1_a_story_without_a_session_knows_nobody() -> None:
    assert Story().turns("sam", "people") == Refusal("not_here")


@pytest.mark.parametrize("name", ["Sam", " SAM "])
def test_pt8_sam_who_lost_his_browser_is_sam_on_another_device(name: str) -> None:
    story = sam_and_alex()
    assert already_in_as(story.room, {"alex"}, Join("new", Role.SERVICE_USER, name)) == "sam"
    assert story.joins("sam", name) == Already(), "the same participation, and nobody joins anew"


@pytest.mark.parametrize(
    ("here", "role", "name"),
    [
        ({"sam"}, Role.SERVICE_USER, "Sam"),
        (set(), Role.SERVICE_USER, "Robin"),
        (set(), Role.SERVICE_USER, ""),
        (set(), Role.SERVICE_USER, "Alex"),
        (set(), Role.WORKER, "Alex"),
        (set(), Role.WORKER, "Sam"),
    ],
)
def test_pt8_nobody_is_taken_for_who_is_here_or_for_a_worker(here: set[str], role: Role, name: str) -> None:
    assert already_in_as(sam_and_alex().room, here, Join("new", role, name)) is None


def test_pt8_who_has_left_comes_in_anew() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    assert already_in_as(story.room, set(), Join("new", Role.SERVICE_USER, "Sam")) is None
