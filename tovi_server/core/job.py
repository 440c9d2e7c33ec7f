"""Jobs and stages as the store knows them. What a job is doing is derived from counts of its tasks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tovi_server.core.ids import JobId
from tovi_server.core.resources import Resources
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.spec import Spec
from tovi_server.core.states import ACTIVE, FINAL, TaskState


@dataclass(frozen=True, slots=True)
class Counts:
    """How many tasks are in each state."""

    waiting: int = 0
    queued: int = 0
    starting: int = 0
    running: int = 0
    succeeded: int = 0
    failed: int = 0
    cancelled: int = 0
    skipped: int = 0

    def of(self, state: TaskState) -> int:
        return int(getattr(self, state.value))

    @property
    def total(self) -> int:
        return sum(self.of(state) for state in TaskState)

    @property
    def final(self) -> int:
        return sum(self.of(state) for state in FINAL)

    @property
    def active(self) -> int:
        return sum(self.of(state) for state in ACTIVE)


def overall_state(counts: Counts) -> TaskState:
    """The one state that stands for many tasks: of a stage, or of a job."""
    if counts.final == counts.total:
        for state in (TaskState.FAILED, TaskState.CANCELLED, TaskState.SKIPPED):
            if counts.of(state):
                return state
        return TaskState.SUCCEEDED
    for state in (TaskState.RUNNING, TaskState.STARTING):
        if counts.of(state):
            return TaskState.RUNNING if counts.final else state
    return TaskState.QUEUED if counts.queued else TaskState.WAITING


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage of a job. Tasks from `next_index` on that have no row share `rest_state`."""

    name: str
    position: int
    """Its place in the file, from 0."""
    needs: tuple[str, ...]
    total: int
    counts: Counts
    next_index: int
    rest_state: TaskState
    held: bool
    request: Resources
    timeout: timedelta
    retries: RetryPolicy
    max_concurrent: int | None


@dataclass(frozen=True, slots=True)
class Job:
    """What a person submitted once."""

    id: JobId
    project: str
    user: str
    name: str
    queue: str
    priority: int
    tags: tuple[str, ...]
    note: str
    held: bool
    snapshot: str | None
    """The hash of its frozen code; None when none travelled."""
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    counts: Counts
    stages: tuple[Stage, ...] = ()
    """Empty in lists."""

    @property
    def state(self) -> TaskState:
        return overall_state(self.counts)


@dataclass(frozen=True, slots=True)
class Frozen:
    """What a job was when it was submitted, for those who lay out and run its tasks."""

    id: JobId
    project: str
    user: str
    name: str
    spec: Spec
    text: str
    """Its tovi.yaml as it came."""
    snapshot: str | None
    origin: JobId | None
    """The job it reruns: outputs of tasks it did not run itself are found there."""


@dataclass(frozen=True, slots=True)
class NewJob:
    """A checked submission, about to become a job."""

    project: str
    user: str
    name: str
    queue: str
    priority: int
    tags: tuple[str, ...]
    note: str
    held: bool
    spec: Spec
    text: str
    snapshot: str | None
    key: str | None = None
    """Idempotency key, unique per user."""
    digest: str = ""
    """Hash of what was submitted: the same key with another digest is a conflict."""
    origin: JobId | None = None
    unfinished: Mapping[str, tuple[int, ...]] | None = None
    """For a rerun of what failed: by stage the tasks to run; all others count as succeeded. None: all run."""
