"""Records the intent to start tasks, before any executor hears of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, insert

from scheduler.snapshot import Active, Placement
from tovi_server.core.events import Kind
from tovi_server.core.ids import AttemptId
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.convert import Values, gpus_text
from tovi_server.store.scopes import Scope, StageKey


def dispatch(connection: Connection, placements: Sequence[Placement], *, now: datetime) -> tuple[Active, ...]:
    """Start an attempt of each task that may still start; the others are left out."""
    changes = Changes(connection)
    changes.load(placement.task for placement in placements)
    started: Counter[StageKey] = Counter()
    attempts: list[Active] = []
    for placement in placements:
        task = changes.task(placement.task)
        if task is None or not _may_start(task, changes.scope(task.id), started):
            continue
        started[changes.scope(task.id).key] += 1
        attempts.append(_start(changes, task, placement, now))
    changes.write()
    if attempts:
        connection.execute(insert(tables.attempts), [_values(attempt) for attempt in attempts])
    return tuple(attempts)


def _may_start(task: Task, scope: Scope, started: Counter[StageKey]) -> bool:
    if task.state is not TaskState.QUEUED or task.held or scope.held:
        return False
    return scope.max_concurrent is None or scope.counts.active + started[scope.key] < scope.max_concurrent


def _start(changes: Changes, task: Task, placement: Placement, now: datetime) -> Active:
    after = replace(
        task,
        attempt=task.attempt + 1,
        node=placement.node,
        gpu_ids=placement.gpu_ids,
        started_at=None,
        ended_at=None,
        reason=None,
        message="",
        exit_code=None,
    )
    data = {"node": placement.node, "gpus": gpus_text(placement.gpu_ids)}
    changes.apply(Kind.DISPATCHED, after, at=now, data=data)
    scope = changes.scope(task.id)
    return Active(
        attempt=AttemptId(task.id, after.attempt),
        state=TaskState.STARTING,
        project=scope.project,
        user=scope.user,
        node=placement.node,
        request=scope.request,
        gpu_ids=placement.gpu_ids,
        timeout=scope.timeout,
        dispatched_at=now,
        started_at=None,
        cancel_requested=False,
    )


def _values(active: Active) -> Values:
    return {
        "job_id": active.attempt.task.job,
        "stage": active.attempt.task.stage,
        "task_index": active.attempt.task.index,
        "number": active.attempt.number,
        "node": active.node,
        "gpu_ids": gpus_text(active.gpu_ids),
        "dispatched_at": active.dispatched_at,
        "message": "",
    }
