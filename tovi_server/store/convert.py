"""Rows to records and back. Texts in rows that hold more than a word are JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import timedelta
from functools import lru_cache

from pydantic import TypeAdapter
from sqlalchemy import Row

from tovi_server.core.events import Usage
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.job import Counts, Job, Stage
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.spec import Spec
from tovi_server.core.states import TaskState
from tovi_server.core.task import Attempt, Task

AnyRow = Row[*tuple[object, ...]]
Values = dict[str, object]

_STATES = tuple(state.value for state in TaskState)
_RESOURCES = TypeAdapter(Resources)
_RETRIES = TypeAdapter(RetryPolicy)
_SPEC = TypeAdapter(Spec)


def counts_of(row: AnyRow) -> Counts:
    return Counts(
        waiting=row.waiting,
        queued=row.queued,
        starting=row.starting,
        running=row.running,
        succeeded=row.succeeded,
        failed=row.failed,
        cancelled=row.cancelled,
        skipped=row.skipped,
    )


def counts_values(counts: Counts) -> Values:
    return {name: getattr(counts, name) for name in _STATES}


def job_of(row: AnyRow, stages: Iterable[AnyRow] = ()) -> Job:
    return Job(
        id=JobId(row.id),
        project=row.project,
        user=row.user,
        name=row.name,
        queue=row.queue,
        priority=row.priority,
        tags=tags_of(row.tags),
        note=row.note,
        held=row.held,
        snapshot=row.snapshot,
        submitted_at=row.submitted_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        counts=counts_of(row),
        stages=tuple(stage_of(stage) for stage in stages),
    )


def stage_of(row: AnyRow) -> Stage:
    return Stage(
        name=row.name,
        position=row.position,
        needs=needs_of(row),
        total=row.total,
        counts=counts_of(row),
        next_index=row.next_index,
        rest_state=TaskState(row.rest_state),
        held=row.held,
        request=request_of(row.request),
        timeout=timedelta(seconds=row.timeout_s),
        retries=retries_of(row.retries),
        max_concurrent=row.max_concurrent,
    )


def needs_of(row: AnyRow) -> tuple[str, ...]:
    return tuple(json.loads(row.needs))


def needs_text(needs: Iterable[str]) -> str:
    return json.dumps(list(needs))


def task_of(row: AnyRow) -> Task:
    return Task(
        id=TaskId(JobId(row.job_id), row.stage, row.task_index),
        state=TaskState(row.state),
        version=row.version,
        held=row.held,
        attempt=row.attempt,
        failures=row.failures,
        losses=row.losses,
        cancel_requested=row.cancel_requested,
        node=row.node,
        gpu_ids=gpus_of(row.gpu_ids),
        reason=None if row.reason is None else EndReason(row.reason),
        message=row.message,
        exit_code=row.exit_code,
        queued_at=row.queued_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        usage=Usage(row.cpu_s, row.memory_bytes),
        metrics={} if row.metrics is None else json.loads(row.metrics),
    )


def task_values(task: Task) -> Values:
    return {
        "job_id": task.id.job,
        "stage": task.id.stage,
        "task_index": task.id.index,
        "state": task.state.value,
        "version": task.version,
        "held": task.held,
        "attempt": task.attempt,
        "failures": task.failures,
        "losses": task.losses,
        "cancel_requested": task.cancel_requested,
        "node": task.node,
        "gpu_ids": gpus_text(task.gpu_ids),
        "reason": None if task.reason is None else task.reason.value,
        "message": task.message,
        "exit_code": task.exit_code,
        "queued_at": task.queued_at,
        "started_at": task.started_at,
        "ended_at": task.ended_at,
        "cpu_s": task.usage.cpu_s,
        "memory_bytes": task.usage.memory_bytes,
        "metrics": json.dumps(dict(task.metrics)) if task.metrics else None,
    }


def attempt_of(row: AnyRow) -> Attempt:
    return Attempt(
        number=row.number,
        node=row.node,
        dispatched_at=row.dispatched_at,
        started_at=row.started_at,
        ended_at=row.ended_at,
        reason=None if row.reason is None else EndReason(row.reason),
        message=row.message,
        exit_code=row.exit_code,
        usage=Usage(row.cpu_s, row.memory_bytes),
    )


def gpus_text(ids: tuple[int, ...]) -> str:
    return ",".join(map(str, ids))


def gpus_of(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(",")) if text else ()


def tags_text(tags: Iterable[str]) -> str:
    """Each tag with a line break before and after, so that one is found whole."""
    lines = "\n".join(tags)
    return f"\n{lines}\n" if lines else ""


def tags_of(text: str) -> tuple[str, ...]:
    return tuple(text.strip("\n").split("\n")) if text else ()


def request_text(request: Resources) -> str:
    return _RESOURCES.dump_json(request).decode()


@lru_cache(maxsize=16_384)
def request_of(text: str) -> Resources:
    """Cached: few requests differ, and the scheduler reads thousands at every look."""
    return _RESOURCES.validate_json(text)


def retries_text(policy: RetryPolicy) -> str:
    return _RETRIES.dump_json(policy).decode()


@lru_cache(maxsize=1024)
def retries_of(text: str) -> RetryPolicy:
    return _RETRIES.validate_json(text)


def spec_text(spec: Spec) -> str:
    return _SPEC.dump_json(spec).decode()


def spec_of(text: str) -> Spec:
    return _SPEC.validate_json(text)


def data_text(data: Mapping[str, str | int | float | None]) -> str:
    return json.dumps(dict(data))
