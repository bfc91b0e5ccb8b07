"""Who is here now."""

from rooms.pointers import Way
from rooms.presence import BELIEVED_FOR, GRACE, Here, PresenceBoard

HERE = Way()


def test_pr1_here_until_the_last_connection_ends() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", HERE)
    board.arrive("sam", "tablet", HERE)
    board.depart("sam", "phone", now=10)
    board.depart("sam", "phone", now=10)
    assert board.here(now=10 + GRACE + 1) == {"sam"}
    board.depart("sam", "tablet", now=20)
    assert board.here(now=20 + GRACE + 1) == frozenset()


def test_pr1_here_on_whichever_process() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", HERE)
    board.hear("other", 1, [Here("alex")], now=0)
    assert board.here(now=1) == {"sam", "alex"}
    assert board.here_on_this_process(now=1) == (Here("sam"),)


def test_pr2_a_process_that_says_nothing_is_taken_for_gone() -> None:
    board = PresenceBoard()
    board.hear("other", 1, [Here("alex")], now=0)
    assert board.here(now=BELIEVED_FOR) == {"alex"}
    assert board.here(now=BELIEVED_FOR + 0.1) == frozenset()


def test_pr2_a_late_announcement_is_not_believed() -> None:
    board = PresenceBoard()
    board.hear("other", 2, [], now=0)
    board.hear("other", 1, [Here("alex")], now=1)
    board.hear("other", 2, [Here("alex")], now=2)
    assert board.here(now=2) == frozenset()


def test_pr3_a_refresh_is_not_an_absence() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", HERE)
    board.depart("sam", "phone", now=10)
    assert board.here(now=10 + GRACE - 0.1) == {"sam"}
    board.arrive("sam", "phone", HERE)
    assert board.here(now=10 + GRACE + 60) == {"sam"}


def test_pr3_who_leaves_is_gone_at_once() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", HERE)
    board.forget("sam")
    assert board.here(now=0) == frozenset()


def test_who_was_here_is_away_since_then_and_who_never_was_since_somebody_asked() -> None:
    board = PresenceBoard()
    assert board.away_for("sam", 100.0) == 0.0
    assert board.away_for("sam", 130.0) == 30.0
    board.arrive("sam", "phone", HERE)
    assert board.away_for("sam", 200.0) == 0.0
    board.depart("sam", "phone", 210.0)
    assert board.away_for("sam", 212.0) == 0.0, "a refresh is not an absence ([PR3])"
    assert board.away_for("sam", 300.0) == 88.0
    board.hear("east", 1, [Here("sam")], 310.0)
    assert board.away_for("sam", 310.0) == 0.0


def test_pr4_with_three_devices_one_person_is_here_once() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", Way(along=False, away=True))
    board.arrive("sam", "tablet", Way(along=False))
    board.hear("other", 1, [Here("sam", along=False, away=True)], now=0)
    assert board.people(now=1) == (Here("sam", along=False, away=False),)
    board.say("sam", "tablet", Way(along=True, away=True))
    assert board.people(now=1) == (Here("sam", along=True, away=True),)
    board.say("sam", "lost", Way(along=False))
    assert board.people(now=1) == (Here("sam", along=True, away=True),)


def test_pr4_how_somebody_was_here_lasts_for_the_grace() -> None:
    board = PresenceBoard()
    board.arrive("sam", "phone", Way(along=False))
    board.depart("sam", "phone", now=10)
    assert board.people(now=11) == (Here("sam", along=False),)
