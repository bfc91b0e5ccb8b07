"""Who is here now."""

from rooms.presence import BELIEVED_FOR, GRACE, PresenceBoard


def test_pr1_here_until_the_last_connection_ends() -> None:
    board = PresenceBoard()
    board.arrive("sam")
    board.arrive("sam")
    board.depart("sam", now=10)
    assert board.here(now=10 + GRACE + 1) == {"sam"}
    board.depart("sam", now=20)
    assert board.here(now=20 + GRACE + 1) == frozenset()


def test_pr1_here_on_whichever_process() -> None:
    board = PresenceBoard()
    board.arrive("sam")
    board.hear("other", 1, frozenset({"alex"}), now=0)
    assert board.here(now=1) == {"sam", "alex"}
    assert board.here_on_this_process(now=1) == {"sam"}


def test_pr2_a_process_that_says_nothing_is_taken_for_gone() -> None:
    board = PresenceBoard()
    board.hear("other", 1, frozenset({"alex"}), now=0)
    assert board.here(now=BELIEVED_FOR) == {"alex"}
    assert board.here(now=BELIEVED_FOR + 0.1) == frozenset()


def test_pr2_a_late_announcement_is_not_believed() -> None:
    board = PresenceBoard()
    board.hear("other", 2, frozenset(), now=0)
    board.hear("other", 1, frozenset({"alex"}), now=1)
    board.hear("other", 2, frozenset({"alex"}), now=2)
    assert board.here(now=2) == frozenset()


def test_pr3_a_refresh_is_not_an_absence() -> None:
    board = PresenceBoard()
    board.arrive("sam")
    board.depart("sam", now=10)
    assert board.here(now=10 + GRACE - 0.1) == {"sam"}
    board.arrive("sam")
    assert board.here(now=10 + GRACE + 60) == {"sam"}


def test_pr3_who_leaves_is_gone_at_once() -> None:
    board = PresenceBoard()
    board.arrive("sam")
    board.forget("sam")
    assert board.here(now=0) == frozenset()


def test_who_was_here_is_away_since_then_and_who_never_was_since_somebody_asked() -> None:
    board = PresenceBoard()
    assert board.away_for("sam", 100.0) == 0.0
    assert board.away_for("sam", 130.0) == 30.0
    board.arrive("sam")
    assert board.away_for("sam", 200.0) == 0.0
    board.depart("sam", 210.0)
    assert board.away_for("sam", 212.0) == 0.0, "a refresh is not an absence ([PR3])"
    assert board.away_for("sam", 300.0) == 88.0
    board.hear("east", 1, frozenset({"sam"}), 310.0)
    assert board.away_for("sam", 310.0) == 0.0
