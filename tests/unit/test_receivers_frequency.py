"""How often something may happen, told with a clock of our own."""

from __future__ import annotations

from tovi_server.receivers.frequency import Frequency


def test_what_happens_seldom_is_always_allowed() -> None:
    frequency = Frequency(2, window_s=60)

    assert all(frequency.allows(now) for now in range(0, 6000, 31))


def test_what_happens_too_often_is_refused_until_time_has_passed() -> None:
    frequency = Frequency(2, window_s=60)

    at_once = [frequency.allows(100.0) for _ in range(3)]
    later = [frequency.allows(130.0) for _ in range(2)]

    assert at_once == [True, True, False]
    assert later == [True, False]


def test_a_long_rest_allows_no_more_than_the_most_at_once() -> None:
    frequency = Frequency(2, window_s=60)

    assert [frequency.allows(1_000_000.0) for _ in range(3)] == [True, True, False]
