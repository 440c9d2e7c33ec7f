"""Cancel, hold and release: of a job, a stage or a task; tasks without rows change with their stage's row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, false, true, update

from tovi_server.core.errors import NotFoundError
from tovi_server.core.events import Kind
from tovi_server.core.ids import Reference, TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.states import ACTIVE
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.holding import change_hold
from tovi_server.store.many import change_all
from tovi_server.store.scopes import Scope, load_scopes_of_jobs
from tovi_server.store.settle import conclude

_ASK_ACTIVE: Final = (
    update(tables.tasks)
    .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
    .where(tables.tasks.c.state.in_([state.value for state in sorted(ACTIVE)]))
    .where(tables.tasks.c.cancel_requested == false())
    .values(cancel_requested=true(), version=tables.tasks.c.version + 1)
)


def request(connection: Connection, kind: Kind, target: Reference, user: str, now: datetime) -> int:
    """CANCEL_REQUESTED, HELD or RELEASED. Returns how many tasks it changed; final ones are left as they are.

    Raises:
        NotFoundError: there is nothing of that id.
    """
    scopes = [
        scope
        for scope in load_scopes_of_jobs(connection, [target.job])
        if target.stage in (None, scope.stage) and (target.index is None or target.index < scope.total)
    ]
    if not scopes:
        raise NotFoundError(f"there is no {target}")
    changes = Changes(connection)
    if target.stage is not None and target.index is not None:
        changed = _change_task(changes, kind, TaskId(target.job, target.stage, target.index), user, now)
    elif kind is Kind.CANCEL_REQUESTED:
        changed = _cancel(changes, scopes, whole_job=target.stage is None, user=user, now=now)
    else:
        changed = change_hold(changes, kind, scopes, whole_job=target.stage is None, user=user, now=now)
    conclude(changes, at=now)
    return changed


def _change_task(changes: Changes, kind: Kind, name: TaskId, user: str, now: datetime) -> int:
    changes.load([name])
    task = changes.task(name)
    assert task is not None, "its index is within its stage"
    after = None if task.state.is_final else _after(kind, task, now)
    if after is None or after == task:
        return 0
    changes.apply(kind, after, at=now, user=user)
    if kind is Kind.CANCEL_REQUESTED and task.state not in ACTIVE:
        changes.append(Kind.CANCELLED, changes.scope(name), at=now, index=name.index, attempt=task.attempt or None)
    return 1


def _after(kind: Kind, task: Task, now: datetime) -> Task:
    if kind is not Kind.CANCEL_REQUESTED:
        return replace(task, held=kind is Kind.HELD)
    if task.state in ACTIVE:
        return replace(task, cancel_requested=True)
    return replace(task, cancel_requested=True, reason=EndReason.CANCELLED, ended_at=now)


def _cancel(changes: Changes, scopes: Sequence[Scope], *, whole_job: bool, user: str, now: datetime) -> int:
    ending = sum(scope.counts.waiting + scope.counts.queued for scope in scopes)
    stopping = sum(_ask_active(changes.connection, scope) for scope in scopes if scope.counts.active)
    if ending + stopping:
        data = {"ended": ending, "stopping": stopping}
        changes.append(Kind.CANCEL_REQUESTED, scopes[0], at=now, whole_job=whole_job, user=user, data=data)
    for scope in scopes:
        change_all(changes, scope, Kind.CANCEL_REQUESTED, at=now, named=Kind.CANCELLED)
    return ending + stopping


def _ask_active(connection: Connection, scope: Scope) -> int:
    """Note on tasks that hold a place that they shall end; on how many it was not noted before."""
    return connection.execute(_ASK_ACTIVE, {"b_job": scope.job, "b_stage": scope.stage}).rowcount
