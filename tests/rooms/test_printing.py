"""[LM3] Nothing that is printed, by a log or a failing test, holds a person's name."""

from rooms import Join, OpenSession, RemoveDevice, RemoveParticipant, Role
from rooms.views import seen
from tests.rooms.story import PAGES, sam_and_alex


def test_lm3_what_prints_shows_ids_kinds_and_sizes() -> None:
    story = sam_and_alex()
    story.joins("robin", "Robin Redbreast")
    story.removes("alex", "robin")
    story.removes_device("sams-tablet")
    join = Join("kim", Role.SERVICE_USER, "Kim of Bath")
    opened = OpenSession("session-1", False, "starter", PAGES, "home")
    view = story.sees("sam")
    shown: list[object] = [
        story.room,
        *story.room.participants.values(),
        *story.log,
        view,
        join,
        opened,
        RemoveParticipant("robin"),
        RemoveDevice("sams-tablet"),
        *map(seen, story.log),
    ]
    shown += [recorded.event for recorded in story.log]
    shown += list(view.people)
    text = repr(shown)
    for word in ("Sam", "Alex", "nurse", "Kim of Bath", "Redbreast", "hard-days"):
        assert word not in text
    assert "ParticipantJoined(participant=sam, role=service_user" in text
    assert "Room(room-1, seq=6, 3 participants)" in text
