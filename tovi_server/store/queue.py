"""What the scheduler sees: stages with queued tasks, and attempts under way. Costs nothing per finished job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import Connection, bindparam, literal_column, or_, select

from scheduler.snapshot import Active, Changes, StageQueue
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.states import TaskState
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow, gpus_of, request_of
from tovi_server.store.feed import jobs_with_news, last_event
from tovi_server.store.scopes import SCOPES, Scope, StageKey, pieces, scope_of

_NONE: Final = frozenset[int]()
_MOST_INDICES: Final = 300
"""Of one stage at one look; more could hardly start before the next."""

_STAGES: Final = tables.stages.c
_QUEUED: Final = (
    select(
        *(_STAGES.job_id, _STAGES.name, _STAGES.total, _STAGES.rows, _STAGES.next_index, _STAGES.rest_state),
        *(_STAGES.queued, _STAGES.starting, _STAGES.running, _STAGES.request, _STAGES.max_concurrent),
        *(tables.jobs.c.project, tables.jobs.c.user, tables.jobs.c.queue, tables.jobs.c.priority),
        *(tables.jobs.c.submitted_at, or_(tables.jobs.c.held, _STAGES.held).label("held")),
    )
    .join(tables.jobs, tables.jobs.c.id == _STAGES.job_id)
    .where(tables.HAS_QUEUED)
)
_TAKEN: Final = (
    select(tables.stages.c.job_id, tables.stages.c.name, tables.tasks.c.task_index)
    .join(
        tables.tasks,
        (tables.tasks.c.job_id == tables.stages.c.job_id)
        & (tables.tasks.c.stage == tables.stages.c.name)
        & (tables.tasks.c.task_index >= tables.stages.c.next_index),
    )
    .where(tables.HAS_QUEUED, tables.stages.c.rest_state == TaskState.QUEUED.value)
    .where(tables.stages.c.rows > tables.stages.c.next_index)
)
_STARTABLE: Final = (
    select(tables.tasks.c.task_index)
    .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
    .where(tables.STARTABLE)
    .order_by(tables.tasks.c.task_index)
    .limit(literal_column(str(_MOST_INDICES)))
)
_UNDER_WAY: Final = (
    select(
        *(tables.attempts.c.job_id, tables.attempts.c.stage, tables.attempts.c.task_index, tables.attempts.c.number),
        *(tables.attempts.c.node, tables.attempts.c.gpu_ids),
        *(tables.attempts.c.dispatched_at, tables.attempts.c.started_at),
        *(tables.tasks.c.state, tables.tasks.c.cancel_requested),
    )
    .join(
        tables.tasks,
        (tables.tasks.c.job_id == tables.attempts.c.job_id)
        & (tables.tasks.c.stage == tables.attempts.c.stage)
        & (tables.tasks.c.task_index == tables.attempts.c.task_index),
    )
    .where(tables.UNDER_WAY)
)
_OF_JOBS: Final = _STAGES.job_id.in_(bindparam("b_jobs", expanding=True))
_QUEUED_OF_JOBS: Final = _QUEUED.where(_OF_JOBS)
_TAKEN_OF_JOBS: Final = _TAKEN.where(_OF_JOBS)
_SCOPES_UNDER_WAY: Final = SCOPES.where(_STAGES.job_id.in_(select(tables.attempts.c.job_id).where(tables.UNDER_WAY)))


def look(connection: Connection, *, after: int | None) -> Changes | None:
    """What waits and runs, of jobs to which something happened after an event; None: nothing did."""
    last = last_event(connection)
    if last == after:
        return None
    jobs = None if after is None else jobs_with_news(connection, after=after)
    return Changes(last, jobs, waiting(connection, jobs), active(connection))


def waiting(connection: Connection, jobs: Collection[JobId] | None = None) -> tuple[StageQueue, ...]:
    """An entry for every stage, of these jobs or of all, with queued tasks; in no order."""
    if jobs is None:
        return _entries(connection, connection.execute(_QUEUED), connection.execute(_TAKEN))
    return tuple(entry for some in pieces(tuple(jobs)) for entry in _waiting_of(connection, some))


def _waiting_of(connection: Connection, jobs: Sequence[JobId]) -> tuple[StageQueue, ...]:
    these = {"b_jobs": jobs}
    return _entries(connection, connection.execute(_QUEUED_OF_JOBS, these), connection.execute(_TAKEN_OF_JOBS, these))


def _entries(connection: Connection, queued: Iterable[AnyRow], taken: Iterable[AnyRow]) -> tuple[StageQueue, ...]:
    by_stage: defaultdict[StageKey, set[int]] = defaultdict(set)
    for row in taken:
        by_stage[row.job_id, row.name].add(row.task_index)
    frozen = {key: frozenset(indices) for key, indices in by_stage.items()}
    return tuple(_entry(connection, row, frozen.get((row.job_id, row.name), _NONE)) for row in tuple(queued))


def _entry(connection: Connection, row: AnyRow, taken: frozenset[int]) -> StageQueue:
    rest = row.total - row.rows if row.rest_state == TaskState.QUEUED.value else 0
    return StageQueue(
        job=JobId(row.job_id),
        stage=row.name,
        project=row.project,
        user=row.user,
        queue=row.queue,
        priority=row.priority,
        submitted_at=row.submitted_at,
        request=request_of(row.request),
        indices=_startable(connection, row.job_id, row.name) if row.queued > rest else (),
        rest_from=row.next_index,
        rest_until=row.total if rest else row.next_index,
        taken=taken if rest else _NONE,
        active=row.starting + row.running,
        max_concurrent=row.max_concurrent,
        held=row.held,
    )


def _startable(connection: Connection, job: int, stage: str) -> tuple[int, ...]:
    """Queued tasks with a row of their own that are not held one by one."""
    return tuple(connection.execute(_STARTABLE, {"b_job": job, "b_stage": stage}).scalars())


def active(connection: Connection) -> tuple[Active, ...]:
    """Every attempt under way."""
    rows = connection.execute(_UNDER_WAY).all()
    if not rows:
        return ()
    scopes = {scope.key: scope for scope in map(scope_of, connection.execute(_SCOPES_UNDER_WAY))}
    return tuple(_active_of(row, scopes[row.job_id, row.stage]) for row in rows)


def _active_of(row: AnyRow, scope: Scope) -> Active:
    return Active(
        attempt=AttemptId(TaskId(JobId(row.job_id), row.stage, row.task_index), row.number),
        state=TaskState(row.state),
        project=scope.project,
        user=scope.user,
        node=row.node,
        request=scope.request,
        gpu_ids=gpus_of(row.gpu_ids),
        timeout=scope.timeout,
        dispatched_at=row.dispatched_at,
        started_at=row.started_at,
        cancel_requested=row.cancel_requested,
    )
