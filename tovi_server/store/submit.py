"""Makes jobs: a wide one costs as many rows as it has stages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, insert, select

from tovi_server.core.errors import ConflictError
from tovi_server.core.events import Kind
from tovi_server.core.expand import count
from tovi_server.core.graph import Readiness, order, verdict
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.job import Counts, NewJob, overall_state
from tovi_server.core.reasons import EndReason
from tovi_server.core.spec import Spec, StageSpec
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.convert import (
    Values,
    counts_values,
    data_text,
    needs_text,
    request_text,
    retries_text,
    tags_text,
    task_values,
)
from tovi_server.store.settle import after_waiting, sum_counts

_EARLIER: Final = select(tables.idempotency.c.job_id, tables.idempotency.c.digest).where(
    tables.idempotency.c.user == bindparam("b_user"), tables.idempotency.c.key == bindparam("b_key")
)

_INSERT_JOB: Final = insert(tables.jobs).returning(tables.jobs.c.id)
_INSERT_SPEC: Final = insert(tables.specs)
_INSERT_STAGE: Final = insert(tables.stages)
_INSERT_TASK: Final = insert(tables.tasks)
_INSERT_EVENT: Final = insert(tables.events)
_INSERT_KEY: Final = insert(tables.idempotency)


@dataclass(frozen=True, slots=True)
class Opening:
    """A stage as its job begins: tasks in `rows` get rows in `row_state`, the others are in `rest_state`."""

    spec: StageSpec
    total: int
    counts: Counts
    rest_state: TaskState
    rows: Sequence[int] = ()
    row_state: TaskState = TaskState.SUCCEEDED


def openings(spec: Spec, unfinished: Mapping[str, Sequence[int]] | None) -> tuple[Opening, ...]:
    """The stages in the order of the file; those that need nothing unfinished are queued."""
    found: dict[str, Opening] = {}
    for name in order({stage.name: stage.needs for stage in spec.stages}):
        stage = spec.stage(name)
        opening = _opening(stage, None if unfinished is None else unfinished.get(name, ()))
        if verdict([found[need].counts for need in stage.needs]) is Readiness.READY:
            opening = _queued(opening)
        found[name] = opening
    return tuple(found[stage.name] for stage in spec.stages)


def _opening(stage: StageSpec, unfinished: Sequence[int] | None) -> Opening:
    """Whichever are fewer, the tasks to run or those that are done already, get rows."""
    total = count(stage.cells)
    if unfinished is None:
        return Opening(stage, total, Counts(waiting=total), TaskState.WAITING)
    counts = Counts(waiting=len(unfinished), succeeded=total - len(unfinished))
    if 2 * len(unfinished) <= total:
        return Opening(stage, total, counts, TaskState.SUCCEEDED, sorted(unfinished), TaskState.WAITING)
    done = sorted(set(range(total)).difference(unfinished))
    return Opening(stage, total, counts, TaskState.WAITING, done, TaskState.SUCCEEDED)


def _queued(opening: Opening) -> Opening:
    def queued(state: TaskState) -> TaskState:
        return TaskState.QUEUED if state is TaskState.WAITING else state

    return replace(
        opening,
        counts=after_waiting(opening.counts, Kind.QUEUED),
        rest_state=queued(opening.rest_state),
        row_state=queued(opening.row_state),
    )


def submit(
    connection: Connection, new: NewJob, spec: str, stages: Sequence[Opening], now: datetime
) -> tuple[JobId, bool]:
    """The new job, or the one that the same key gave before.

    Raises:
        ConflictError: the key was used for something else.
    """
    earlier = _earlier(connection, new)
    if earlier is not None:
        return earlier, False
    total = sum_counts([stage.counts for stage in stages])
    job = JobId(connection.execute(_INSERT_JOB, _job_values(new, total, now)).scalar_one())
    connection.execute(_INSERT_SPEC, {"job_id": job, "spec": spec, "text": new.text})
    connection.execute(_INSERT_STAGE, list(_stage_values(job, stages, now)))
    rows = list(_task_values(job, stages, now))
    if rows:
        connection.execute(_INSERT_TASK, rows)
    connection.execute(_INSERT_EVENT, list(_event_values(job, new, stages, total, now)))
    if new.key is not None:
        use = {"user": new.user, "key": new.key, "digest": new.digest, "job_id": job}
        connection.execute(_INSERT_KEY, use)
    return job, True


def _earlier(connection: Connection, new: NewJob) -> JobId | None:
    if new.key is None:
        return None
    found = connection.execute(_EARLIER, {"b_user": new.user, "b_key": new.key}).one_or_none()
    if found is None:
        return None
    if found.digest != new.digest:
        raise ConflictError(
            f'the key "{new.key}" was used for another submission',
            why=f"it gave job {found.job_id}, from other files or options",
            hint="use a new key for a new job",
        )
    return JobId(found.job_id)


def _job_values(new: NewJob, total: Counts, now: datetime) -> Values:
    return {
        "project": new.project,
        "user": new.user,
        "name": new.name,
        "queue": new.queue,
        "priority": new.priority,
        "tags": tags_text(new.tags),
        "note": new.note,
        "held": new.held,
        "snapshot": new.snapshot,
        "origin": new.origin,
        "submitted_at": now,
        "ended_at": now if total.final == total.total else None,
        **counts_values(total),
    }


def _stage_values(job: JobId, stages: Sequence[Opening], now: datetime) -> Iterator[Values]:
    for position, stage in enumerate(stages):
        contiguous = next((at for at, index in enumerate(stage.rows) if at != index), len(stage.rows))
        yield {
            "job_id": job,
            "name": stage.spec.name,
            "position": position,
            "needs": needs_text(stage.spec.needs),
            "total": stage.total,
            **counts_values(stage.counts),
            "rows": len(stage.rows),
            "next_index": contiguous,
            "rest_state": stage.rest_state.value,
            "queued_at": now if stage.counts.queued else None,
            "rest_ended_at": now if stage.rest_state is TaskState.SUCCEEDED else None,
            "held": False,
            "request": request_text(stage.spec.request),
            "timeout_s": int(stage.spec.timeout.total_seconds()),
            "retries": retries_text(stage.spec.retries),
            "max_concurrent": stage.spec.max_concurrent,
        }


def _task_values(job: JobId, stages: Sequence[Opening], now: datetime) -> Iterator[Values]:
    for stage in stages:
        done = stage.row_state is TaskState.SUCCEEDED
        for index in stage.rows:
            task = Task(
                id=TaskId(job, stage.spec.name, index),
                state=stage.row_state,
                version=1,
                reason=EndReason.OK if done else None,
                queued_at=now if stage.row_state is TaskState.QUEUED else None,
                ended_at=now if done else None,
            )
            yield task_values(task)


def _event_values(job: JobId, new: NewJob, stages: Sequence[Opening], total: Counts, now: datetime) -> Iterator[Values]:
    def event(kind: Kind, *, stage: str | None = None, **data: str | int) -> Values:
        place = {"job_id": job, "stage": stage, "task_index": None, "attempt": None, "project": new.project}
        user = new.user if stage is None else None
        return {"at": now, "kind": kind.value, **place, "user": user, "data": data_text(data)}

    yield event(Kind.SUBMITTED, tasks=total.total)
    for stage in stages:
        if stage.counts.queued:
            yield event(Kind.QUEUED, stage=stage.spec.name, tasks=stage.counts.queued)
    if total.final == total.total:
        yield event(Kind.ENDED, state=overall_state(total).value)
