"""Tasks and attempts, read. Tasks without a row are made up from the rest of their stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, select

from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.states import ACTIVE, TaskState
from tovi_server.core.task import Attempt, Task
from tovi_server.store import tables
from tovi_server.store.convert import attempt_of, task_of
from tovi_server.store.scopes import Scope, is_possible, load_scopes, load_scopes_of_jobs, pieces, rest_task

_COLUMNS = tables.tasks.c


def read_task(connection: Connection, task: TaskId) -> Task | None:
    """None: there is no such task."""
    scope = load_scopes(connection, [(task.job, task.stage)]).get((task.job, task.stage))
    return None if scope is None else next(_chosen(connection, scope, [task.index]), None)


def read_tasks(connection: Connection, job: JobId, stage: str | None, first: int, limit: int) -> tuple[Task, ...]:
    """At most `limit` tasks from place `first` on, of the stage or of all, in the order of the file."""
    found: list[Task] = []
    for scope in _scopes(connection, job, stage):
        found += _range(connection, scope, first, min(scope.total, first + limit - len(found)))
        first = max(0, first - scope.total)
    return tuple(found)


def choose_tasks(connection: Connection, job: JobId, stage: str | None, indices: Sequence[int]) -> tuple[Task, ...]:
    """Those that exist of these indices, of the stage or of each."""
    return tuple(
        task for scope in _scopes(connection, job, stage) for task in _chosen(connection, scope, sorted(set(indices)))
    )


def first_failed(connection: Connection, job: JobId) -> Task | None:
    """The failed task that comes first in the file's order; None when none failed."""
    for scope in load_scopes_of_jobs(connection, [job]):
        if scope.counts.failed:
            query = select(tables.tasks).where(*_of(scope), _COLUMNS.state == TaskState.FAILED.value)
            return task_of(connection.execute(query.order_by(_COLUMNS.task_index).limit(1)).one())
    return None


def first_delayed(connection: Connection, job: JobId) -> Task | None:
    """The task under way that comes first of those that cannot go on; None when there is none."""
    for scope in load_scopes_of_jobs(connection, [job]):
        if scope.counts.active:
            states = _COLUMNS.state.in_([state.value for state in ACTIVE])
            query = select(tables.tasks).where(*_of(scope), states, _COLUMNS.message != "")
            found = connection.execute(query.order_by(_COLUMNS.task_index).limit(1)).one_or_none()
            if found is not None:
                return task_of(found)
    return None


def tasks_with_metrics(connection: Connection, job: JobId) -> tuple[Task, ...]:
    """In the order of the file."""
    return tuple(
        task_of(row)
        for scope in load_scopes_of_jobs(connection, [job])
        for row in connection.execute(
            select(tables.tasks).where(*_of(scope), _COLUMNS.metrics.is_not(None)).order_by(_COLUMNS.task_index)
        )
    )


def read_attempts(connection: Connection, task: TaskId) -> tuple[Attempt, ...]:
    """Oldest first; none before the first dispatch, or when there is no such task."""
    if not is_possible(task.job):
        return ()
    columns = tables.attempts.c
    query = select(tables.attempts).where(
        columns.job_id == task.job, columns.stage == task.stage, columns.task_index == task.index
    )
    return tuple(attempt_of(row) for row in connection.execute(query.order_by(columns.number)))


def _scopes(connection: Connection, job: JobId, stage: str | None) -> list[Scope]:
    return [scope for scope in load_scopes_of_jobs(connection, [job]) if stage in (None, scope.stage)]


def _of(scope: Scope) -> tuple[ColumnElement[bool], ...]:
    return _COLUMNS.job_id == scope.job, _COLUMNS.stage == scope.stage


def _range(connection: Connection, scope: Scope, first: int, until: int) -> Iterator[Task]:
    if first >= until:
        return
    query = select(tables.tasks).where(*_of(scope), _COLUMNS.task_index >= first, _COLUMNS.task_index < until)
    rows = {row.task_index: row for row in connection.execute(query)}
    for index in range(first, until):
        yield task_of(rows[index]) if index in rows else rest_task(scope, index)


def _chosen(connection: Connection, scope: Scope, indices: Sequence[int]) -> Iterator[Task]:
    for some in pieces([index for index in indices if 0 <= index < scope.total]):
        query = select(tables.tasks).where(*_of(scope), _COLUMNS.task_index.in_(some))
        rows = {row.task_index: row for row in connection.execute(query)}
        for index in some:
            yield task_of(rows[index]) if index in rows else rest_task(scope, index)
