"""What is due for attempts under way, from what is believed and what was done."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.reconcile import Charge, Phase, Steps, reconcile
from tests.fakes_scheduler import NOW, an_active, attempt

ACTIVE = an_active(1)
UNWANTED = an_active(1, cancel_requested=True)
THIS = (attempt(1),)
LATER = NOW + timedelta(seconds=1)


@pytest.mark.parametrize(
    ("active", "charge", "expected"),
    [
        (ACTIVE, None, Steps(new=(ACTIVE,))),
        (UNWANTED, None, Steps(new=(UNWANTED,))),
        (None, Charge(ACTIVE, Phase.ENDED), Steps(forget=THIS)),
        (None, Charge(ACTIVE, Phase.WAITING), Steps(forget=THIS)),
        (ACTIVE, Charge(ACTIVE), Steps(hand_over=THIS)),
        (ACTIVE, Charge(ACTIVE, not_before=LATER), Steps()),
        (ACTIVE, Charge(ACTIVE, not_before=NOW), Steps(hand_over=THIS)),
        (UNWANTED, Charge(ACTIVE), Steps(cancel=THIS)),
        (UNWANTED, Charge(ACTIVE, not_before=LATER), Steps(cancel=THIS)),
        (UNWANTED, Charge(ACTIVE, may_run=True), Steps(hand_over=THIS)),
        (UNWANTED, Charge(ACTIVE, may_run=True, not_before=LATER), Steps()),
        (ACTIVE, Charge(ACTIVE, Phase.PREPARING), Steps()),
        (UNWANTED, Charge(ACTIVE, Phase.PREPARING), Steps()),
        (ACTIVE, Charge(ACTIVE, Phase.HANDED), Steps()),
        (UNWANTED, Charge(ACTIVE, Phase.HANDED), Steps(stop=THIS)),
        (ACTIVE, Charge(ACTIVE, Phase.ENDED), Steps()),
        (UNWANTED, Charge(ACTIVE, Phase.ENDED), Steps()),
    ],
)
def test_what_is_due(active: object, charge: Charge | None, expected: Steps) -> None:
    believed = (ACTIVE if active is ACTIVE else UNWANTED,) if active else ()
    charges = {charge.active.attempt: charge} if charge else {}
    assert reconcile(believed, charges, now=NOW) == expected


def test_each_attempt_is_judged_by_itself() -> None:
    charges = {
        attempt(1): Charge(an_active(1), Phase.HANDED),
        attempt(2): Charge(an_active(2)),
        attempt(3): Charge(an_active(3), Phase.ENDED),
    }
    active = (an_active(1, cancel_requested=True), an_active(2), an_active(4))
    assert reconcile(active, charges, now=NOW) == Steps(
        new=(an_active(4),), hand_over=(attempt(2),), stop=(attempt(1),), forget=(attempt(3),)
    )


def test_pauses_between_tries_grow_up_to_half_a_minute() -> None:
    charge, pauses = Charge(ACTIVE, Phase.PREPARING), []
    for _ in range(7):
        charge = charge.after_failure(NOW)
        assert charge.phase is Phase.WAITING
        assert charge.not_before is not None
        pauses.append((charge.not_before - NOW).total_seconds())
    assert pauses == [1, 2, 4, 8, 16, 30, 30]


def test_a_try_that_fails_for_weeks_has_a_pause_all_the_same() -> None:
    charge = Charge(ACTIVE, tries=100_000).after_failure(NOW)
    assert charge.not_before == NOW + timedelta(seconds=30)
