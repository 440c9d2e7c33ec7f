"""What the scheduler sees: stages with queued tasks, and attempts under way. Costs nothing per finished job."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

from sqlalchemy import Connection, bindparam, literal_column, select

from scheduler.snapshot import Active, StageQueue
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.states import TaskState
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow, gpus_of
from tovi_server.store.scopes import SCOPES, Scope, StageKey, scope_of

_MOST_INDICES: Final = 300
"""Of one stage at one look; more could hardly start before the next."""

_QUEUED: Final = SCOPES.add_columns(tables.jobs.c.queue, tables.jobs.c.priority, tables.jobs.c.submitted_at).where(
    tables.HAS_QUEUED
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


def waiting(connection: Connection) -> tuple[StageQueue, ...]:
    """An entry for every stage with queued tasks, in no order."""
    taken: defaultdict[StageKey, set[int]] = defaultdict(set)
    for job, stage, index in connection.execute(_TAKEN):
        taken[job, stage].add(index)
    return tuple(
        _entry(connection, row, frozenset(taken.get((row.job_id, row.name), ())))
        for row in connection.execute(_QUEUED).all()
    )


def _entry(connection: Connection, row: AnyRow, taken: frozenset[int]) -> StageQueue:
    scope = scope_of(row)
    rest_queued = scope.rest_state is TaskState.QUEUED and scope.rest > 0
    return StageQueue(
        job=scope.job,
        stage=scope.stage,
        project=scope.project,
        user=scope.user,
        queue=row.queue,
        priority=row.priority,
        submitted_at=row.submitted_at,
        request=scope.request,
        indices=_startable(connection, scope, scope.counts.queued - (scope.rest if rest_queued else 0)),
        rest_from=scope.next_index,
        rest_until=scope.total if rest_queued else scope.next_index,
        taken=taken if rest_queued else frozenset(),
        active=scope.counts.active,
        max_concurrent=scope.max_concurrent,
        held=scope.held,
    )


def _startable(connection: Connection, scope: Scope, queued_rows: int) -> tuple[int, ...]:
    """Queued tasks with a row of their own that are not held one by one."""
    if not queued_rows:
        return ()
    return tuple(connection.execute(_STARTABLE, {"b_job": scope.job, "b_stage": scope.stage}).scalars())


def active(connection: Connection) -> tuple[Active, ...]:
    """Every attempt under way."""
    rows = connection.execute(_UNDER_WAY).all()
    if not rows:
        return ()
    scopes = {scope.key: scope for scope in _scopes_under_way(connection)}
    return tuple(_active_of(row, scopes[row.job_id, row.stage]) for row in rows)


def _scopes_under_way(connection: Connection) -> list[Scope]:
    jobs = select(tables.attempts.c.job_id).where(tables.UNDER_WAY)
    return [scope_of(row) for row in connection.execute(SCOPES.where(tables.stages.c.job_id.in_(jobs)))]


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
