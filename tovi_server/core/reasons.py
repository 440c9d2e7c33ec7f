"""Why a thing is in its state: a code for programs, a sentence for people, numbers for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

Value = int | float | str | None


class EndReason(StrEnum):
    """Why an attempt or task ended."""

    OK = "ok"
    ERROR = "error"
    """The program ended with an exit code other than 0."""
    SIGNAL = "signal"
    OUT_OF_MEMORY = "out-of-memory"
    OUT_OF_DISK = "out-of-disk"
    TIMEOUT = "timeout"
    SETUP_FAILED = "setup-failed"
    OUTPUTS_MISSING = "outputs-missing"
    LOG_TOO_LARGE = "log-too-large"
    NODE_LOST = "node-lost"
    START_FAILED = "start-failed"
    """The executor could not start it; the message has the system's error."""
    CANCELLED = "cancelled"
    NEEDS_FAILED = "needs-failed"
    """A stage that this one needs did not succeed."""


class WaitReason(StrEnum):
    """Why a task has not started."""

    HELD = "held"
    NEEDS = "needs"
    MAX_CONCURRENT = "max-concurrent"
    RESOURCES = "resources"
    BEHIND = "behind"
    """Something with a better place in the order takes what it would need."""
    NO_NODES = "no-nodes"
    UNAVAILABLE = "unavailable"
    """The scheduler cannot look at the machines, or at the queue; the message says why."""
    STARTING = "starting"
    """A place is found; the message says what it still waits for there, if anything."""
    NEXT = "next"
    """Nothing stands in its way; it starts with the next look at the queue."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One structured reason; `data` holds the numbers the message speaks of."""

    code: str
    message: str
    data: Mapping[str, Value] = field(default_factory=dict)
