"""How long something has lasted, as lists tell it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fakes_manager import NOW, a_job
from tovi_server.core.look import Look
from tovi_tui.text.lasting import lasting


@pytest.mark.parametrize(
    ("began_s", "told"),
    [(0, "0s"), (59, "59s"), (60, "1m"), (119, "1m"), (3_725, "1h2m"), (90_061, "1d1h"), (-5, "0s")],
)
def test_what_goes_on_is_told_in_whole_minutes(began_s: int, told: str) -> None:
    job = a_job(started_at=NOW - timedelta(seconds=began_s))
    assert lasting(job, Look(NOW)) == told


def test_what_ended_is_told_to_the_second() -> None:
    job = a_job(started_at=NOW - timedelta(seconds=119), ended_at=NOW)
    assert lasting(job, Look(NOW)) == "1m59s"


def test_what_has_not_started_is_told_since_it_was_submitted() -> None:
    job = a_job(started_at=None, submitted_at=NOW - timedelta(minutes=7, seconds=3))
    assert lasting(job, Look(NOW)) == "7m"
