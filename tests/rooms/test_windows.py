"""Windows number their commands, so that sending one again is always safe."""

from rooms import Already, Refusal, RemoveParticipant, Stamp
from rooms.limits import SKIPPED_REMEMBERED, WINDOWS_PER_PARTICIPANT
from rooms.room import Window
from tests.rooms.story import sam_and_alex


def test_wn1_a_window_is_known_by_its_last_number() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    story.turns("sam", "home", "sams-phone", 2)
    assert story.room.windows["sams-phone"].last == 2
    assert story.room.windows["sams-phone"].participant == "sam"


def test_wn2_nobody_answers_for_another_ones_window() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    assert story.turns("alex", "home", "sams-phone", 2) == Refusal("not_your_window")
    assert story.page == "people"


def test_wn3_sent_again_is_carried_out_once() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    story.turns("alex", "home")
    assert story.turns("sam", "people", "sams-phone", 1) == Already()
    assert story.page == "home"


def test_wn3_the_answer_is_the_same_after_leaving_and_after_the_end() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    story.leaves("sam")
    assert story.turns("sam", "people", "sams-phone", 1) == Already()
    story.ends("alex")
    assert story.turns("sam", "people", "sams-phone", 1) == Already()


def test_wn3_putting_out_is_carried_out_once() -> None:
    story = sam_and_alex()
    stamp = Stamp("alexs-laptop", 1)
    assert isinstance(story.asks("alex", RemoveParticipant("sam"), stamp), tuple)
    assert story.room.windows["alexs-laptop"] == Window("alex", 1)
    story.joins("sam-again", "Sam")
    assert story.asks("alex", RemoveParticipant("sam"), stamp) == Already()


def test_wn4_a_number_that_was_jumped_over_came_to_nothing() -> None:
    story = sam_and_alex()
    story.turns("sam", "elsewhere", "sams-phone", 1)  # refused, and the answer is lost on the way
    story.turns("sam", "people", "sams-phone", 2)
    assert story.turns("sam", "home", "sams-phone", 1) == Refusal("came_to_nothing")
    assert story.turns("sam", "people", "sams-phone", 2) == Already()
    assert story.room.windows["sams-phone"].skipped == (1,)


def test_wn4_a_refused_number_may_still_be_used_while_it_is_the_newest() -> None:
    story = sam_and_alex()
    assert story.turns("sam", "elsewhere", "sams-phone", 1) == Refusal("unknown_page")
    assert story.room.windows == {}
    assert isinstance(story.turns("sam", "people", "sams-phone", 1), tuple)


def test_wn4_the_last_jumped_numbers_are_remembered() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    story.turns("sam", "home", "sams-phone", 1_000)
    skipped = story.room.windows["sams-phone"].skipped
    assert skipped == tuple(range(1_000 - SKIPPED_REMEMBERED, 1_000))
    story.turns("sam", "people", "sams-phone", 1_002)
    assert len(story.room.windows["sams-phone"].skipped) == SKIPPED_REMEMBERED
    assert story.turns("sam", "home", "sams-phone", 1_001) == Refusal("came_to_nothing")


def test_wn5_the_windows_used_last_are_remembered_for_each_person() -> None:
    story = sam_and_alex()
    story.turns("alex", "people", "alexs-laptop", 1)
    pages = ("home", "people")
    for nth in range(WINDOWS_PER_PARTICIPANT + 1):
        story.turns("sam", pages[nth % 2], f"window-{nth}", 1)
    of_sam = {name for name, window in story.room.windows.items() if window.participant == "sam"}
    assert of_sam == {f"window-{nth}" for nth in range(1, WINDOWS_PER_PARTICIPANT + 1)}
    assert "alexs-laptop" in story.room.windows


def test_wn5_a_window_in_use_is_not_the_one_forgotten() -> None:
    story = sam_and_alex()
    pages = ("home", "people")
    story.turns("sam", "people", "sams-phone", 1)
    for nth in range(WINDOWS_PER_PARTICIPANT * 2):
        story.turns("sam", pages[nth % 2], f"window-{nth}", 1)
        story.turns("sam", "hard-days", "sams-phone", nth + 2)
    assert story.room.windows["sams-phone"].last == WINDOWS_PER_PARTICIPANT * 2 + 1
