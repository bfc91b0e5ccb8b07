"""Who may do what: the whole table, written down a second time as people would say it."""

import pytest

from rooms import (
    Command,
    Dismiss,
    EndSession,
    Join,
    Leave,
    OpenSession,
    ReadApart,
    ReadTogether,
    Refusal,
    RemoveDevice,
    RemoveForGood,
    RemoveParticipant,
    Role,
    Suggest,
    TurnPage,
    Write,
)
from rooms.commands import COMMAND_KINDS
from rooms.permissions import may
from tests.rooms.story import Story, sam_and_alex

MAY = {
    Role.SERVER: {OpenSession, Join, RemoveParticipant, RemoveDevice, EndSession},
    Role.SERVICE_USER: {TurnPage, Leave, Write, RemoveForGood, Suggest, Dismiss, ReadTogether, ReadApart},
    Role.WORKER: {
        TurnPage,
        Leave,
        Write,
        RemoveForGood,
        Suggest,
        Dismiss,
        ReadTogether,
        ReadApart,
        RemoveParticipant,
        EndSession,
    },
    Role.SUPERVISOR: set(),
}


@pytest.mark.parametrize("role", Role)
def test_pm1_what_is_not_in_the_table_is_refused(role: Role) -> None:
    assert {kind for kind in COMMAND_KINDS if may(role, kind)} == MAY[role]


OF_THE_HOUSE: tuple[Command, ...] = (
    Join("kim", Role.WORKER, "Kim"),
    OpenSession("other", False, "starter", ("home",), "home"),
    RemoveDevice("sams-tablet"),
)


@pytest.mark.parametrize("who", ["sam", "alex"])
@pytest.mark.parametrize("command", OF_THE_HOUSE, ids=lambda command: type(command).__name__)
def test_pm1_people_do_not_let_in_or_open_or_know_of_devices(who: str, command: Command) -> None:
    assert sam_and_alex().asks(who, command) == Refusal("not_allowed")


def test_pm3_a_service_user_puts_nobody_out() -> None:
    story = sam_and_alex()
    story.joins("kim", "Kim")
    assert story.removes("sam", "kim") == Refusal("not_allowed")
    assert not story.room.participants["kim"].left


def test_pm1_the_house_neither_reads_nor_leaves() -> None:
    story = sam_and_alex()
    assert story.asks(None, TurnPage("people")) == Refusal("not_allowed")
    assert story.asks(None, Leave()) == Refusal("not_allowed")


@pytest.mark.parametrize("role", [Role.SUPERVISOR, Role.SERVER])
def test_pm2_only_people_of_the_session_come_in(role: Role) -> None:
    story = sam_and_alex()
    assert story.joins("robin", "Robin", role) == Refusal("not_agreed")
    assert "robin" not in story.room.participants


def test_pm3_control_is_equal() -> None:
    only_workers = {kind for kind in COMMAND_KINDS if may(Role.WORKER, kind) and not may(Role.SERVICE_USER, kind)}
    assert only_workers == {RemoveParticipant, EndSession}


def test_pm3_either_opens_a_page_and_leaves() -> None:
    for who in ("sam", "alex"):
        story = sam_and_alex()
        assert isinstance(story.turns(who, "people"), tuple)
        assert isinstance(story.leaves(who), tuple)


def test_pm1_the_house_opens_and_lets_in() -> None:
    story = Story()
    assert isinstance(story.opens(), tuple)
    assert isinstance(story.joins("sam", "Sam"), tuple)
    assert isinstance(story.removes_device("sams-tablet"), tuple)
    assert isinstance(story.removes(None, "sam"), tuple)
    assert isinstance(story.ends(None), tuple)
    assert isinstance(story.opens("next-week"), tuple)
