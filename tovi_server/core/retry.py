"""What an attempt's end means for its task: pure, decided inside the transaction that records it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tovi_server.core.events import Kind
from tovi_server.core.reasons import EndReason


class Cause(StrEnum):
    """What `retries: {when: [...]}` may name."""

    ERROR = "error"
    """Any end that is not one of the others."""
    OOM = "oom"
    TIMEOUT = "timeout"
    NODE_FAILURE = "node_failure"


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a task may be tried again, and after which ends.

    `max` extra tries; `when` empty means after any end; `exit_codes` are retried as well as `when`.
    """

    max: int = 0
    when: tuple[Cause, ...] = ()
    exit_codes: tuple[int, ...] = ()


MOST_NODE_LOSSES: Final = 20
"""Lost nodes never count against `max`; this many in a row is no accident any more."""

_CAUSES: Final = {
    EndReason.OUT_OF_MEMORY: Cause.OOM,
    EndReason.TIMEOUT: Cause.TIMEOUT,
    EndReason.NODE_LOST: Cause.NODE_FAILURE,
}


def judge(
    reason: EndReason, exit_code: int | None, *, policy: RetryPolicy, failures: int, losses: int, cancelled: bool
) -> Kind:
    """SUCCEEDED, CANCELLED, REQUEUED or FAILED.

    `failures` and `losses` are the task's earlier ends of either kind; `cancelled`: somebody asked for it to end.
    """
    if reason is EndReason.OK:
        return Kind.SUCCEEDED
    if cancelled or reason is EndReason.CANCELLED:
        return Kind.CANCELLED
    if reason is EndReason.NODE_LOST:
        return Kind.REQUEUED if losses < MOST_NODE_LOSSES else Kind.FAILED
    if failures < policy.max and _may_retry(reason, exit_code, policy):
        return Kind.REQUEUED
    return Kind.FAILED


def _may_retry(reason: EndReason, exit_code: int | None, policy: RetryPolicy) -> bool:
    if not policy.when and not policy.exit_codes:
        return True
    return _CAUSES.get(reason, Cause.ERROR) in policy.when or exit_code in policy.exit_codes
