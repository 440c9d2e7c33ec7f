"""A stage with what matters of its job: the ground on which a transaction changes tasks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sqlalchemy import Connection, Select, bindparam, select, tuple_

from tovi_server.core.ids import LARGEST_JOB_ID, JobId, TaskId
from tovi_server.core.job import Counts
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow, counts_of, needs_of, request_of, retries_of

T = TypeVar("T")
StageKey = tuple[JobId, str]

_MOST_AT_ONCE: Final = 1000
_REST_REASONS: Final = {
    TaskState.SUCCEEDED: EndReason.OK,
    TaskState.CANCELLED: EndReason.CANCELLED,
    TaskState.SKIPPED: EndReason.NEEDS_FAILED,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """As the transaction found it."""

    job: JobId
    stage: str
    project: str
    user: str
    job_held: bool
    job_started_at: datetime | None
    position: int
    needs: tuple[str, ...]
    counts: Counts
    total: int
    rows: int
    """How many tasks have a row."""
    next_index: int
    rest_state: TaskState
    queued_at: datetime | None
    rest_ended_at: datetime | None
    stage_held: bool
    request: Resources
    timeout: timedelta
    retries: RetryPolicy
    max_concurrent: int | None

    @property
    def key(self) -> StageKey:
        return self.job, self.stage

    @property
    def rest(self) -> int:
        """How many tasks have no row, and are in `rest_state`."""
        return self.total - self.rows

    @property
    def held(self) -> bool:
        return self.job_held or self.stage_held


SCOPES: Final[Select[*tuple[object, ...]]] = select(
    tables.stages,
    tables.jobs.c.project,
    tables.jobs.c.user,
    tables.jobs.c.held.label("job_held"),
    tables.jobs.c.started_at.label("job_started_at"),
).join(tables.jobs, tables.jobs.c.id == tables.stages.c.job_id)
_OF_STAGES: Final = SCOPES.where(
    tuple_(tables.stages.c.job_id, tables.stages.c.name).in_(bindparam("b_stages", expanding=True))
)
_OF_JOBS: Final = SCOPES.where(tables.stages.c.job_id.in_(bindparam("b_jobs", expanding=True))).order_by(
    tables.stages.c.job_id, tables.stages.c.position
)


def load_scopes(connection: Connection, keys: Collection[StageKey]) -> dict[StageKey, Scope]:
    """Those of the stages that exist."""
    found: dict[StageKey, Scope] = {}
    for some in pieces([key for key in keys if is_possible(key[0])]):
        for row in connection.execute(_OF_STAGES, {"b_stages": some}):
            scope = scope_of(row)
            found[scope.key] = scope
    return found


def load_scopes_of_jobs(connection: Connection, jobs: Collection[JobId]) -> list[Scope]:
    """All stages of these jobs, in the order of their files."""
    return [
        scope_of(row)
        for some in pieces([job for job in jobs if is_possible(job)])
        for row in connection.execute(_OF_JOBS, {"b_jobs": some})
    ]


def scope_of(row: AnyRow) -> Scope:
    return Scope(
        job=JobId(row.job_id),
        stage=row.name,
        project=row.project,
        user=row.user,
        job_held=row.job_held,
        job_started_at=row.job_started_at,
        position=row.position,
        needs=needs_of(row),
        counts=counts_of(row),
        total=row.total,
        rows=row.rows,
        next_index=row.next_index,
        rest_state=TaskState(row.rest_state),
        queued_at=row.queued_at,
        rest_ended_at=row.rest_ended_at,
        stage_held=row.held,
        request=request_of(row.request),
        timeout=timedelta(seconds=row.timeout_s),
        retries=retries_of(row.retries),
        max_concurrent=row.max_concurrent,
    )


def rest_task(scope: Scope, index: int) -> Task:
    """A task that has no row, as the rest of its stage is."""
    state = scope.rest_state
    return Task(
        id=TaskId(scope.job, scope.stage, index),
        state=state,
        reason=_REST_REASONS.get(state),
        queued_at=scope.queued_at,
        ended_at=scope.rest_ended_at,
    )


def is_possible(job: JobId) -> bool:
    """Whether a job could have this id; the databases refuse others with errors of their own."""
    return 0 < job <= LARGEST_JOB_ID


def pieces(items: Sequence[T]) -> Iterator[Sequence[T]]:
    """In pieces that a statement can name one by one."""
    for start in range(0, len(items), _MOST_AT_ONCE):
        yield items[start : start + _MOST_AT_ONCE]
