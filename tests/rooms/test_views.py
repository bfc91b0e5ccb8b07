"""Who sees what."""

import msgspec

from rooms import Participant, Role, may_see, view_of, why_not
from rooms.views import PersonGone, Unseen, seen
from rooms.wire import event_frames
from tests.rooms.story import Story, sam_and_alex


def test_vw1_nothing_goes_to_who_is_not_in_it() -> None:
    story = sam_and_alex()
    assert view_of(story.room, "robin") is None
    assert not may_see(story.room, "robin")


def test_vw1_nothing_goes_to_who_has_left() -> None:
    story = sam_and_alex()
    story.leaves("sam")
    assert view_of(story.room, "sam") is None
    assert story.sees("alex").people[0].left


def test_vw1_why_nothing_goes_to_a_device() -> None:
    """Who was put out or has left before the end has not been there at the end."""
    story = sam_and_alex()
    assert why_not(story.room, "sam", "sams-phone") is None
    assert why_not(story.room, "kim-of-last-week", "kims-phone") == "session_ended"
    story.leaves("sam")
    assert why_not(story.room, "sam", "sams-phone") == "left"
    story.ends("alex")
    assert why_not(story.room, "sam", "sams-phone") == "left"
    assert why_not(story.room, "alex", "the-desk") == "session_ended"
    assert why_not(Story().room, "sam", "sams-phone") == "session_ended"


def test_vw1_a_supervisor_is_not_told_more() -> None:
    story = sam_and_alex()
    robin = Participant("robin", Role.SUPERVISOR, "Robin")
    story.room = msgspec.structs.replace(story.room, participants={**story.room.participants, "robin": robin})
    assert why_not(story.room, "robin", "robins-phone") == "left"


def test_vw4_the_others_see_that_who_was_put_out_has_left_and_nothing_of_devices() -> None:
    story = sam_and_alex()
    story.removes_device("sams-tablet")
    story.removes("alex", "sam")
    assert [seen(recorded) for recorded in story.log[-2:]] == [Unseen(), PersonGone("sam")]


def test_vw1_there_is_nothing_to_see_before_a_session() -> None:
    assert view_of(Story().room, "sam") is None


def test_vw3_a_supervisor_sees_nothing() -> None:
    story = sam_and_alex()
    robin = Participant("robin", Role.SUPERVISOR, "Robin")
    story.room = msgspec.structs.replace(story.room, participants={**story.room.participants, "robin": robin})
    assert not may_see(story.room, "robin")
    assert view_of(story.room, "robin") is None
    assert may_see(story.room, "sam")
    assert may_see(story.room, "alex")


def test_vw4_every_event_has_a_frame_and_numbers_have_no_gap() -> None:
    story = sam_and_alex()
    story.turns("sam", "people", "sams-phone", 1)
    frames = event_frames(story.log)
    assert [frame.seq for frame in frames] == [1, 2, 3, 4]
    assert frames[0].event == Unseen()
    assert (frames[3].window, frames[3].number) == ("sams-phone", 1)


def test_vw1_a_view_says_who_you_are_and_who_is_there() -> None:
    view = sam_and_alex().sees("sam")
    assert view.you == "sam"
    assert [(person.name, person.role) for person in view.people] == [
        ("Sam", Role.SERVICE_USER),
        ("Alex, nurse", Role.WORKER),
    ]
    assert view.position.seq == 3


def test_vw4_what_is_seen_of_coming_is_the_person() -> None:
    story = sam_and_alex()
    assert "Sam" in str(msgspec.json.encode(seen(story.log[1])))
