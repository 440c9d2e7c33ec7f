"""The picture that one tick decides on: what waits, what runs, what the machines have."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.resources import Resources
from tovi_server.core.states import TaskState


@dataclass(frozen=True, slots=True)
class Node:
    """A machine and what it has in all. `ready` is False for one that takes no new tasks."""

    name: str
    capacity: Resources
    ready: bool = True
    foreign: Resources = Resources()
    """What is taken of it by others than tasks under way."""
    slots: int | None = None
    """How many tasks it takes at once; None: as many as there is room for."""


@dataclass(frozen=True, slots=True)
class StageQueue:
    """Queued tasks of one stage: alike in request, priority and age, so that one entry stands for 100,000.

    Tasks in `indices` have a row of their own; after them come `rest` tasks from `rest_from` on that have none,
    less those in `taken`, which have.
    """

    job: JobId
    stage: str
    project: str
    user: str
    queue: str
    priority: int
    submitted_at: datetime
    request: Resources
    indices: tuple[int, ...]
    rest_from: int
    rest_until: int
    """One past the stage's last index; equal to `rest_from` when there is no rest to queue."""
    taken: frozenset[int]
    active: int
    """Tasks of the stage that are starting or running."""
    max_concurrent: int | None
    held: bool
    """Holds the whole entry: the job or stage is held."""


@dataclass(frozen=True, slots=True)
class Active:
    """An attempt that is starting or running, and what it holds."""

    attempt: AttemptId
    state: TaskState
    project: str
    user: str
    node: str
    request: Resources
    gpu_ids: tuple[int, ...]
    timeout: timedelta
    dispatched_at: datetime
    started_at: datetime | None
    cancel_requested: bool


@dataclass(frozen=True, slots=True)
class Snapshot:
    nodes: tuple[Node, ...]
    queues: tuple[StageQueue, ...]
    active: tuple[Active, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """What is new since somebody last looked."""

    last: int
    """The number of the newest event."""
    jobs: frozenset[JobId] | None
    """Those to which something happened; None: `waiting` is of all jobs."""
    waiting: tuple[StageQueue, ...]
    """Every stage of these jobs with queued tasks, held ones too; a few hundred `indices` each."""
    active: tuple[Active, ...]
    """Every attempt that is starting or running, of whichever job."""


@dataclass(frozen=True, slots=True)
class Placement:
    """One decision: this task starts on this node, with these GPUs of it."""

    task: TaskId
    node: str
    gpu_ids: tuple[int, ...] = ()
