"""What holds whatever people do, in whatever order."""

from __future__ import annotations

from typing import TypeAlias

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rooms import (
    Actor,
    Already,
    Command,
    EndSession,
    FromClock,
    Gap,
    Join,
    Leave,
    OpenSession,
    Recorded,
    Refusal,
    RemoveDevice,
    RemoveParticipant,
    Role,
    Room,
    Stamp,
    TurnPage,
    View,
    decide,
    evolve,
    may_see,
    replay,
    view_of,
    why_not,
)
from rooms.wire import event_frames
from tests.rooms.folding import fold
from tests.rooms.story import NOON, PAGES, Story

WHO = ("sam", "alex", "kim", "robin")
NAMES = {"sam": "Sam", "alex": "Alex", "kim": "Kim", "robin": "Sam"}
ROLES = {"sam": Role.SERVICE_USER, "alex": Role.WORKER, "kim": Role.SERVICE_USER, "robin": Role.SUPERVISOR}

DEVICES = ("phone", "tablet")

people = st.sampled_from(WHO)
removals = st.builds(RemoveParticipant, st.sampled_from([*WHO, "nobody"]))
house = st.one_of(
    st.builds(
        OpenSession,
        st.sampled_from(["monday", "tuesday"]),
        st.booleans(),
        st.just("starter"),
        st.just(PAGES),
        st.sampled_from([*PAGES, "elsewhere"]),
    ),
    st.sampled_from([Join(who, ROLES[who], NAMES[who]) for who in WHO]),
    st.builds(RemoveDevice, st.sampled_from(DEVICES)),
    removals,
    st.just(EndSession()),
)
hands = st.one_of(
    st.builds(TurnPage, st.sampled_from([*PAGES, "elsewhere"])),
    st.builds(TurnPage, st.sampled_from(PAGES)),
    st.just(Leave()),
    removals,
    st.just(EndSession()),
)
stamps = st.builds(Stamp, st.sampled_from(["w1", "w2", "w3"]), st.integers(1, 8))
asked = st.one_of(
    st.tuples(st.none(), house, st.none()),
    st.tuples(people, st.one_of(hands, hands, hands, house), st.none() | stamps),
)
Steps: TypeAlias = list[tuple[str | None, Command, Stamp | None]]

BEGINNING: Steps = [
    (None, OpenSession("monday", False, "starter", PAGES, "home"), None),
    (None, Join("sam", Role.SERVICE_USER, "Sam"), None),
    (None, Join("alex", Role.WORKER, "Alex"), None),
]
stories = st.lists(asked, max_size=40).map(lambda more: [*BEGINNING, *more])


def told(steps: Steps) -> Story:
    story = Story()
    for who, command, stamp in steps:
        story.asks(who, command, stamp)
    return story


@given(stories)
def test_or5_a_command_of_which_nothing_came_changes_nothing(
    steps: Steps,
) -> None:
    story = Story()
    for who, command, stamp in steps:
        before = msgspec.json.encode(story.room)
        decision = story.asks(who, command, stamp)
        if isinstance(decision, Refusal | Already | FromClock):
            assert msgspec.json.encode(story.room) == before
        else:
            assert len(decision) == 1


@given(stories, st.data())
def test_or1_or8_a_snapshot_and_what_came_after_make_the_same_room(steps: Steps, data: st.DataObject) -> None:
    story = told(steps)
    assert replay(story.begin, story.log) == story.room
    assert [recorded.seq for recorded in story.log] == list(range(1, story.room.seq + 1))
    cut = data.draw(st.integers(0, len(story.log)))
    snapshot = msgspec.json.encode(replay(story.begin, story.log[:cut]))
    kept = msgspec.json.decode(snapshot, type=Room)
    assert replay(kept, story.log[cut:]) == story.room
    assert replay(kept, story.log[cut:]).position == story.room.position


@given(stories)
def test_or8_events_read_from_disk_make_the_same_room(
    steps: Steps,
) -> None:
    story = told(steps)
    written = [msgspec.json.encode(recorded) for recorded in story.log]
    assert replay(story.begin, [msgspec.json.decode(line, type=Recorded) for line in written]) == story.room


def test_or3_a_gap_and_a_repetition_are_noticed() -> None:
    story = told(BEGINNING)
    first, second, third = story.log
    room = evolve(story.begin, first)
    with pytest.raises(Gap):
        evolve(room, third)
    with pytest.raises(Gap):
        evolve(room, first)
    assert evolve(room, second).seq == 2


@given(stories, st.data())
def test_wn3_wn4_sending_everything_again_adds_nothing(steps: Steps, data: st.DataObject) -> None:
    """Each window counts as a client does; whatever part of it is sent again, the log stays as it is."""
    story = told(BEGINNING)
    sent: list[tuple[str, Command, Stamp]] = []
    for number, (who, command) in enumerate(data.draw(st.lists(st.tuples(st.sampled_from(["sam", "alex"]), hands))), 1):
        stamp = Stamp(f"window-of-{who}", number)
        decision = story.asks(who, command, stamp)
        if isinstance(decision, tuple):
            sent.append((who, command, stamp))
    before = list(story.log)
    for who, again, stamp in data.draw(st.permutations(sent)):
        assert decide(story.room, Actor(who, stamp), again, NOON) == Already()
        story.asks(who, again, stamp)
    assert story.log == before
    stamped = [recorded.stamp for recorded in story.log if recorded.stamp is not None]
    assert len(stamped) == len(set(map(repr, stamped)))


@given(stories)
def test_vw2_folding_what_is_seen_is_the_same_as_looking_anew(
    steps: Steps,
) -> None:
    story = Story()
    views: dict[str, View] = {}
    for who, command, stamp in steps:
        decision = story.asks(who, command, stamp)
        if not isinstance(decision, tuple):
            continue
        if isinstance(command, OpenSession):
            views.clear()
        for each in WHO:
            anew = view_of(story.room, each)
            if anew is None:
                views.pop(each, None)
            elif each in views:
                views[each] = fold(views[each], event_frames(story.log[-1:])[0])
                assert views[each] == anew
            else:
                views[each] = anew


@given(stories)
def test_vw1_vw3_nobody_sees_what_is_not_theirs(steps: Steps) -> None:
    story = told(steps)
    for who in WHO:
        person = story.room.participants.get(who)
        view = view_of(story.room, who)
        if person is None or person.left or person.role is Role.SUPERVISOR:
            assert view is None
        else:
            assert view is not None
            assert view.you == who
            assert all(each.role is not Role.SUPERVISOR for each in view.people)


@given(stories, st.data())
def test_pt9_pt11_who_is_out_stays_out_until_the_next_session(steps: Steps, data: st.DataObject) -> None:
    story = told(steps)
    cut = data.draw(st.integers(0, len(story.log)))
    then = replay(story.begin, story.log[:cut])
    for who in WHO:
        for device in DEVICES:
            if why_not(then, who, device) not in (None, "session_ended"):
                assert story.room.session is not None and then.session is not None
                assert story.room.session.id != then.session.id or why_not(story.room, who, device) is not None


@given(stories)
def test_vw1_a_reason_is_given_exactly_where_nothing_goes(steps: Steps) -> None:
    story = told(steps)
    assert story.room.session is not None
    for who in WHO:
        for device in DEVICES:
            goes = not story.room.session.ended and device not in story.room.session.removed_devices
            assert (why_not(story.room, who, device) is None) == (goes and may_see(story.room, who))


@given(stories)
def test_pt4_pt6_whatever_happens_names_differ_and_the_page_exists(
    steps: Steps,
) -> None:
    story = told(steps)
    here = [person.name for person in story.room.participants.values() if not person.left]
    assert len(here) == len(set(here)) <= 8
    assert story.room.session is not None
    assert story.page in story.room.session.pages
