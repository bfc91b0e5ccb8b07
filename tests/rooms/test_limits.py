"""How often."""

from rooms.limits import TokenBucket


def test_lm2_a_burst_then_a_steady_rate() -> None:
    bucket = TokenBucket.full(rate=2, burst=3, now=0)
    assert [bucket.take(0) for _ in range(4)] == [True, True, True, False]
    assert not bucket.take(0.4)
    assert bucket.take(0.6)
    assert not bucket.take(0.6)


def test_lm2_a_long_rest_fills_it_no_further_than_the_burst() -> None:
    bucket = TokenBucket.full(rate=2, burst=3, now=0)
    assert [bucket.take(1000) for _ in range(4)] == [True, True, True, False]


def test_to_ask_uses_nothing_and_what_was_not_needed_comes_back() -> None:
    bucket = TokenBucket.full(rate=2, burst=3, now=0)
    assert bucket.take(0) and [bucket.left(0), bucket.left(0)] == [2, 2]
    bucket.give_back()
    assert bucket.left(0) == 3 and bucket.left(1000) == 3
