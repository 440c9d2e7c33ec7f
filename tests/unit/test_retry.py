"""What an attempt's end means for its task."""

from __future__ import annotations

import pytest

from tovi_server.core.events import Kind
from tovi_server.core.reasons import EndReason
from tovi_server.core.retry import MOST_NODE_LOSSES, Cause, RetryPolicy, judge

NEVER = RetryPolicy()
TWICE = RetryPolicy(2)
ON_OOM = RetryPolicy(2, (Cause.OOM,))
ON_75 = RetryPolicy(2, (), (75,))
ON_OOM_OR_75 = RetryPolicy(2, (Cause.OOM,), (75,))
ON_ERROR = RetryPolicy(2, (Cause.ERROR,))


def verdict(
    reason: EndReason,
    policy: RetryPolicy,
    *,
    code: int | None = 1,
    failures: int = 0,
    losses: int = 0,
    cancelled: bool = False,
) -> Kind:
    return judge(reason, code, policy=policy, failures=failures, losses=losses, cancelled=cancelled)


@pytest.mark.parametrize(
    ("reason", "policy", "code", "failures", "expected"),
    [
        (EndReason.OK, NEVER, 0, 0, Kind.SUCCEEDED),
        (EndReason.ERROR, NEVER, 1, 0, Kind.FAILED),
        (EndReason.ERROR, TWICE, 1, 0, Kind.REQUEUED),
        (EndReason.ERROR, TWICE, 1, 1, Kind.REQUEUED),
        (EndReason.ERROR, TWICE, 1, 2, Kind.FAILED),
        (EndReason.SIGNAL, TWICE, 139, 0, Kind.REQUEUED),
        (EndReason.SETUP_FAILED, TWICE, 1, 0, Kind.REQUEUED),
        (EndReason.START_FAILED, TWICE, None, 0, Kind.REQUEUED),
        (EndReason.OUT_OF_MEMORY, ON_OOM, 137, 0, Kind.REQUEUED),
        (EndReason.OUT_OF_MEMORY, ON_ERROR, 137, 0, Kind.FAILED),
        (EndReason.TIMEOUT, ON_OOM, 143, 0, Kind.FAILED),
        (EndReason.TIMEOUT, RetryPolicy(1, (Cause.TIMEOUT,)), 143, 0, Kind.REQUEUED),
        (EndReason.ERROR, ON_OOM, 1, 0, Kind.FAILED),
        (EndReason.ERROR, ON_75, 75, 0, Kind.REQUEUED),
        (EndReason.ERROR, ON_75, 1, 0, Kind.FAILED),
        (EndReason.ERROR, ON_OOM_OR_75, 75, 0, Kind.REQUEUED),
        (EndReason.ERROR, ON_OOM_OR_75, 1, 0, Kind.FAILED),
        (EndReason.OUTPUTS_MISSING, ON_ERROR, 1, 0, Kind.REQUEUED),
        (EndReason.ERROR, ON_ERROR, None, 0, Kind.REQUEUED),
    ],
)
def test_an_end_is_retried_by_cause_and_number(
    reason: EndReason, policy: RetryPolicy, code: int | None, failures: int, expected: Kind
) -> None:
    assert verdict(reason, policy, code=code, failures=failures) is expected


@pytest.mark.parametrize("policy", [NEVER, TWICE, ON_OOM])
def test_a_lost_node_never_counts_until_it_is_no_accident_any_more(policy: RetryPolicy) -> None:
    assert verdict(EndReason.NODE_LOST, policy, code=None, failures=9, losses=MOST_NODE_LOSSES - 1) is Kind.REQUEUED
    assert verdict(EndReason.NODE_LOST, policy, code=None, losses=MOST_NODE_LOSSES) is Kind.FAILED


@pytest.mark.parametrize("reason", [reason for reason in EndReason if reason is not EndReason.OK])
def test_what_was_asked_to_end_is_cancelled_however_it_ended(reason: EndReason) -> None:
    assert verdict(reason, TWICE, cancelled=True) is Kind.CANCELLED


def test_what_succeeded_before_it_was_told_to_end_has_succeeded() -> None:
    assert verdict(EndReason.OK, TWICE, code=0, cancelled=True) is Kind.SUCCEEDED
