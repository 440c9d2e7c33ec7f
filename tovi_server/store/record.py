"""Facts about attempts, applied. Stale and doubled ones are normal, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, assert_never

from sqlalchemy import Connection, bindparam, update

from tovi_server.core.events import Delayed, Exited, Kind, Lost, Report, Started
from tovi_server.core.reasons import EndReason
from tovi_server.core.retry import judge
from tovi_server.core.states import ACTIVE, TaskState
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.convert import Values
from tovi_server.store.settle import conclude
from tovi_server.store.texts import tame

_LONGEST_MESSAGE: Final = 4096
_ATTEMPT: Final = update(tables.attempts).where(
    tables.attempts.c.job_id == bindparam("b_job"),
    tables.attempts.c.stage == bindparam("b_stage"),
    tables.attempts.c.task_index == bindparam("b_index"),
    tables.attempts.c.number == bindparam("b_number"),
)
_START: Final = _ATTEMPT.values(started_at=bindparam("b_at"))
_ENDED: Final = ("ended_at", "reason", "message", "exit_code", "cpu_s", "memory_bytes")
_END: Final = _ATTEMPT.values({name: bindparam(f"b_{name}") for name in _ENDED})


def record(connection: Connection, reports: Sequence[Report]) -> None:
    """Apply reports in their order, and what follows from them."""
    if not reports:
        return
    changes = Changes(connection)
    changes.load(report.attempt.task for report in reports)
    starts: list[Values] = []
    ends: list[Values] = []
    for report in reports:
        task = changes.task(report.attempt.task)
        if task is None or task.attempt != report.attempt.number or task.state not in ACTIVE:
            continue
        match report:
            case Delayed():
                _delay(changes, task, report)
            case Started():
                starts += _start(changes, task, report)
            case Exited():
                ends += _end(changes, task, report)
            case Lost():
                ends += _end(changes, task, _as_exit(report))
            case _:
                assert_never(report)
    _write_attempts(connection, starts, ends)
    conclude(changes, at=max(report.at for report in reports))


def _delay(changes: Changes, task: Task, report: Delayed) -> None:
    message = tame(report.message, longest=_LONGEST_MESSAGE)
    if message != task.message:
        data = {"node": task.node, "message": message}
        changes.apply(Kind.DELAYED, replace(task, message=message), at=report.at, data=data)


def _start(changes: Changes, task: Task, report: Started) -> list[Values]:
    if task.state is TaskState.RUNNING:
        return []
    changes.apply(Kind.STARTED, replace(task, started_at=report.at, message=""), at=report.at, data={"node": task.node})
    return [{**_place(report), "b_at": report.at}]


def _as_exit(report: Lost) -> Exited:
    return Exited(report.attempt, report.at, EndReason.NODE_LOST, exit_code=None, message=report.message)


def _end(changes: Changes, task: Task, report: Exited) -> list[Values]:
    kind = judge(
        report.reason,
        report.exit_code,
        policy=changes.scope(task.id).retries,
        failures=task.failures,
        losses=task.losses,
        cancelled=task.cancel_requested,
    )
    report = replace(report, message=tame(report.message, longest=_LONGEST_MESSAGE))
    data = {
        "node": task.node,
        "reason": report.reason.value,
        "exit_code": report.exit_code,
        "message": report.message,
    }
    changes.apply(kind, _ended(task, report, kind), at=report.at, data=data)
    return [_end_values(report)]


def _ended(task: Task, report: Exited, kind: Kind) -> Task:
    lost = report.reason is EndReason.NODE_LOST
    charged = kind in (Kind.REQUEUED, Kind.FAILED)
    after = replace(
        task,
        failures=task.failures + (charged and not lost),
        losses=task.losses + lost,
        reason=report.reason,
        message=report.message,
        exit_code=report.exit_code,
        ended_at=report.at,
        usage=report.usage,
        metrics=dict(report.metrics),
    )
    if kind is Kind.REQUEUED:
        return replace(after, node=None, gpu_ids=(), queued_at=report.at, started_at=None, ended_at=None)
    return after


def _place(report: Report) -> Values:
    task = report.attempt.task
    return {"b_job": task.job, "b_stage": task.stage, "b_index": task.index, "b_number": report.attempt.number}


def _end_values(report: Exited) -> Values:
    return {
        **_place(report),
        "b_ended_at": report.at,
        "b_reason": report.reason.value,
        "b_message": report.message,
        "b_exit_code": report.exit_code,
        "b_cpu_s": report.usage.cpu_s,
        "b_memory_bytes": report.usage.memory_bytes,
    }


def _write_attempts(connection: Connection, starts: list[Values], ends: list[Values]) -> None:
    if starts:
        connection.execute(_START, starts)
    if ends:
        connection.execute(_END, ends)
