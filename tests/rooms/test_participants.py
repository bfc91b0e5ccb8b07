"""People come and go."""

import pytest

from rooms import Actor, Already, Refusal, Role, TurnPage, already_in_as, decide, why_not
from rooms.events import DeviceRemoved, ParticipantJoined, ParticipantLeft, ParticipantRemoved
from rooms.limits import DEVICES_REMOVED, NAME_LETTERS, PARTICIPANTS_PER_SESSION
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
    assert already_in_as(story.room, name) == "sam"
    assert story.joins("sam", name) == Already(), "the same participation, and nobody joins anew"


@pytest.mark.parametrize("name", ["Robin", "", "Alex, nurse"])
def test_pt8_nobody_is_taken_for_who_is_not_there_or_for_a_worker(name: str) -> None:
    assert already_in_as(sam_and_alex().room, name) is None


def test_pt8_who_has_left_or_was_put_out_comes_in_anew() -> None:
    story = sam_and_alex()
    story.joins("kim", "Kim")
    story.leaves("sam")
    story.removes("alex", "kim")
    assert already_in_as(story.room, "Sam") is None
    assert already_in_as(story.room, "Kim") is None


def test_pt9_this_is_not_sam() -> None:
    """Kim said that her name was Sam. She is put out, and the real Sam comes in."""
    story = sam_and_alex()
    assert story.removes("alex", "sam") == (ParticipantRemoved("sam", "alex"),)
    assert story.turns("sam", "people") == Refusal("left")
    assert story.joins("sam", "Sam") == Refusal("left")
    assert why_not(story.room, "sam", "sams-phone") == "removed"
    assert [(person.id, person.left) for person in story.sees("alex").people] == [("sam", True), ("alex", False)]
    assert isinstance(story.joins("the-real-sam", "Sam"), tuple)


def test_pt9_putting_out_twice_is_nothing_new() -> None:
    story = sam_and_alex()
    story.removes("alex", "sam")
    assert story.removes("alex", "sam") == Already()


def test_pt9_who_has_left_is_out_already() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    assert story.removes("alex", "sam") == Already()
    assert not story.room.participants["sam"].removed
    assert why_not(story.room, "sam", "sams-phone") == "left"


def test_pt9_only_who_is_in_the_session_can_be_put_out() -> None:
    assert sam_and_alex().removes("alex", "robin") == Refusal("unknown_person")


def test_pt10_nobody_puts_out_a_colleague() -> None:
    story = sam_and_alex()
    story.joins("noor", "Noor", Role.WORKER)
    assert story.removes("alex", "noor") == Refusal("not_allowed")
    assert story.removes("alex", "alex") == Refusal("not_allowed")
    assert not story.room.participants["noor"].left


def test_pt10_whose_account_is_switched_off_is_put_out_by_the_house() -> None:
    story = sam_and_alex()
    assert story.removes(None, "alex") == (ParticipantRemoved("alex", ""),)
    assert why_not(story.room, "alex", "alexs-laptop") == "removed"


def test_pt11_one_device_is_out_and_sam_stays_on_the_other() -> None:
    story = sam_and_alex()
    assert story.removes_device("sams-tablet") == (DeviceRemoved("sams-tablet"),)
    assert story.removes_device("sams-tablet") == Already()
    assert why_not(story.room, "sam", "sams-tablet") == "removed"
    assert why_not(story.room, "sam", "sams-phone") is None
    assert isinstance(story.turns("sam", "people"), tuple)
    assert not story.sees("alex").people[0].left


def test_pt11_what_a_device_that_is_out_had_on_its_way_is_refused() -> None:
    story = sam_and_alex()
    story.removes_device("sams-tablet")
    turn = TurnPage("people")
    assert decide(story.room, Actor("sam", device="sams-tablet"), turn, story.now) == Refusal("left")
    assert isinstance(decide(story.room, Actor("sam", device="sams-phone"), turn, story.now), tuple)


def test_pt11_sixty_four_devices_can_be_put_out() -> None:
    story = sam_and_alex()
    for nth in range(DEVICES_REMOVED):
        assert isinstance(story.removes_device(f"device-{nth}"), tuple)
    assert story.removes_device("one-more") == Refusal("full")
    assert story.removes_device("device-0") == Already()
    assert why_not(story.room, "sam", "device-0") == "removed"
