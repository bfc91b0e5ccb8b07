"""A session opens, and ends."""

from rooms import Already, Refusal, Role, Session
from rooms.events import SessionEnded, SessionOpened
from tests.rooms.story import NOON, PAGES, Story, sam_and_alex


def test_se1_one_session_at_a_time() -> None:
    story = Story()
    assert story.opens("monday") == (SessionOpened("monday", False, "starter", PAGES, "home", NOON),)
    assert story.opens("monday") == Already()
    assert story.opens("tuesday") == Refusal("session_open")


def test_se2_nothing_before_a_session_is_open() -> None:
    story = Story()
    assert story.joins("sam", "Sam") == Refusal("no_session")
    assert story.ends(None) == Refusal("no_session")


def test_se3_nothing_after_it_has_ended_but_the_next_one() -> None:
    story = sam_and_alex()
    assert story.ends("alex") == (SessionEnded("alex", NOON),)
    assert story.turns("sam", "people") == Refusal("session_ended")
    assert story.leaves("sam") == Refusal("session_ended")
    assert story.joins("kim", "Kim") == Refusal("session_ended")
    assert story.ends("alex") == Refusal("session_ended")

    assert isinstance(story.opens("next-week"), tuple)
    assert story.room.participants == {}
    assert story.room.windows == {}
    assert story.turns("sam", "people") == Refusal("not_here")


def test_se3_what_has_ended_is_not_opened_again() -> None:
    """Somebody asks twice, and the second time comes after the end."""
    story = sam_and_alex()
    story.ends("alex")
    assert story.opens("session-1") == Refusal("session_ended")
    assert isinstance(story.opens("next-week"), tuple)


def test_se3_the_next_one_begins_as_if_there_had_been_none() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    story.joins("kim", "Kim")
    story.removes("alex", "kim")
    story.removes_device("sams-tablet")
    story.ends("alex")
    story.opens("next-week")

    assert story.room.session == Session("next-week", False, "starter", PAGES, "home", page="home")
    assert isinstance(story.joins("kim", "Kim"), tuple)


def test_se8_a_session_knows_which_pages_were_opened_in_it() -> None:
    """Each once, in the order in which they were first opened. Home is where everybody begins."""
    story = sam_and_alex()
    for who, page in (("sam", "people"), ("alex", "hard-days"), ("sam", "home"), ("sam", "people")):
        story.turns(who, page)
    assert story.room.session is not None
    assert story.room.session.opened == ("people", "hard-days")
    story.ends("alex")
    assert story.room.session.opened == ("people", "hard-days")


def test_se3_the_house_may_end_what_nobody_is_in() -> None:
    story = sam_and_alex()
    assert story.ends(None) == (SessionEnded("", NOON),)
    assert story.room.session is not None
    assert story.room.session.ended


def test_se4_the_pages_are_those_of_the_day_it_opened() -> None:
    story = Story()
    story.opens(pages=("home", "old-page"))
    story.joins("sam", "Sam")
    assert isinstance(story.turns("sam", "old-page"), tuple)
    assert story.turns("sam", "people") == Refusal("unknown_page")


def test_or6_only_coming_beginning_and_ending_have_a_time() -> None:
    story = sam_and_alex()
    story.turns("sam", "people")
    story.removes_device("sams-tablet")
    story.joins("kim", "Kim")
    story.removes("alex", "kim")
    story.leaves("sam")
    story.ends("alex")
    timed = {type(recorded.event).__name__ for recorded in story.log if hasattr(recorded.event, "at")}
    assert timed == {"SessionOpened", "ParticipantJoined", "SessionEnded"}


def test_pm3_a_service_user_does_not_end_it_for_all() -> None:
    story = sam_and_alex()
    assert story.ends("sam") == Refusal("not_allowed")
    assert story.room.participants["sam"].role is Role.SERVICE_USER
