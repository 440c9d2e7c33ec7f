"""Tasks and attempts as the store knows them: frozen records, a line per field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tovi_server.core.events import Usage
from tovi_server.core.ids import TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.states import TaskState


@dataclass(frozen=True, slots=True)
class Task:
    """One cell of a stage. A task that was never touched one by one has `version` 0 and no row of its own."""

    id: TaskId
    state: TaskState
    version: int = 0
    held: bool = False
    attempt: int = 0
    """The newest attempt's number; 0 before the first."""
    failures: int = 0
    """Ends that counted against `retries`."""
    losses: int = 0
    """Ends by a lost node, which do not count."""
    cancel_requested: bool = False
    node: str | None = None
    gpu_ids: tuple[int, ...] = ()
    reason: EndReason | None = None
    """Why the newest attempt ended; None before any did."""
    message: str = ""
    exit_code: int | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    usage: Usage = Usage()
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at a task, kept for ever."""

    number: int
    node: str
    dispatched_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    reason: EndReason | None = None
    """None while it is under way."""
    message: str = ""
    exit_code: int | None = None
    usage: Usage = Usage()
