"""Parts of the server die at any moment, under load; what was acknowledged is there, once, and ends as it should."""

from __future__ import annotations

import os
import random

import pytest

from tests.integration.faults.storm import Outcome, storm

pytestmark = pytest.mark.openssh

KILLS = 10


async def test_kills_at_any_moment_lose_and_double_nothing() -> None:
    seed = int(os.environ.get("TOVI_TEST_SEED", random.randrange(2**16)))
    print(f"to see this again: TOVI_TEST_SEED={seed}")

    outcome = await storm(seed, KILLS)

    assert outcome.problems == ()
    assert outcome.hangs == ()
    assert_it_was_a_storm(outcome)


def assert_it_was_a_storm(outcome: Outcome) -> None:
    """Nothing is proved by a server that nobody used or nothing happened to."""
    assert outcome.acknowledged > 10 * KILLS
    assert outcome.kills.victims.total() == KILLS
    assert {"succeeded", "failed", "cancelled"} <= outcome.ends.keys()
