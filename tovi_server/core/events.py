"""What happened to tasks, in the past tense. Executors report facts; the store appends every event.

An executor reports `Delayed`, `Started`, `Exited` and `Lost`; `retry.judge` turns an end into what it means for the
task (`SUCCEEDED`, `FAILED`, `REQUEUED` or `CANCELLED`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tovi_server.core.ids import AttemptId, TaskId
from tovi_server.core.reasons import EndReason


class Kind(StrEnum):
    """Every kind of event in the feed; the words are public (`tovi events --json`)."""

    SUBMITTED = "submitted"
    QUEUED = "queued"
    DISPATCHED = "dispatched"
    DELAYED = "delayed"
    """Its start takes longer, or its machine fell silent: the event says why."""
    STARTED = "started"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REQUEUED = "requeued"
    CANCEL_REQUESTED = "cancel-requested"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"
    HELD = "held"
    RELEASED = "released"
    ANNOTATED = "annotated"
    """Somebody changed a job's note or tags."""
    ENDED = "ended"
    """A job's last task became final."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What an attempt used; None is unknown."""

    cpu_s: float | None = None
    memory_bytes: int | None = None
    """The peak."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """The scheduler decided where an attempt runs. Committed before the executor is told."""

    task: TaskId
    node: str
    gpu_ids: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Delayed:
    """The attempt can neither go on nor be given up for now. Told again only when there is another reason."""

    attempt: AttemptId
    at: datetime
    message: str


@dataclass(frozen=True, slots=True)
class Started:
    """The attempt's program runs."""

    attempt: AttemptId
    at: datetime


@dataclass(frozen=True, slots=True)
class Exited:
    """The attempt's program ended, and how: `exit_code` is 128+n for signal n, None when unknown."""

    attempt: AttemptId
    at: datetime
    reason: EndReason
    exit_code: int | None
    message: str = ""
    usage: Usage = Usage()
    metrics: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The attempt is known to run no more, and nobody knows how it ended."""

    attempt: AttemptId
    at: datetime
    message: str


End = Exited | Lost
Report = Delayed | Started | End
