"""One event for many tasks of a stage at once: its rest in O(1), its rows in one statement."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Update, bindparam, update

from tovi_server.core.events import Kind
from tovi_server.core.reasons import EndReason
from tovi_server.core.states import FINAL, TaskState, next_state
from tovi_server.store import tables
from tovi_server.store.changes import Changes, Data
from tovi_server.store.convert import Values
from tovi_server.store.scopes import Scope

_REASONS: Final = {TaskState.CANCELLED: EndReason.CANCELLED, TaskState.SKIPPED: EndReason.NEEDS_FAILED}


def _updating(*columns: str) -> Update:
    return (
        update(tables.tasks)
        .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
        .where(tables.tasks.c.state == bindparam("b_before"))
        .values(version=tables.tasks.c.version + 1, **{name: bindparam(f"b_{name}") for name in columns})
    )


_END_ROWS: Final = _updating("state", "ended_at", "reason")
_QUEUE_ROWS: Final = _updating("state", "queued_at")
_OF_STAGE: Final = update(tables.stages).where(
    tables.stages.c.job_id == bindparam("b_job"), tables.stages.c.name == bindparam("b_stage")
)
_END_REST: Final = _OF_STAGE.values(rest_state=bindparam("b_state"), rest_ended_at=bindparam("b_at"))
_QUEUE: Final = _OF_STAGE.values(rest_state=bindparam("b_state"), queued_at=bindparam("b_at"))


def change_all(changes: Changes, scope: Scope, kind: Kind, *, at: datetime, named: Kind | None = None) -> int:
    """The event happens to every task of the stage that waits or is queued; the feed calls it `named`.

    `scope` is as it is now. Returns how many tasks changed their state.
    """
    total = 0
    first: int | None = None
    for before in (TaskState.WAITING, TaskState.QUEUED):
        after = _after(before, kind)
        if after is None or not scope.counts.of(before):
            continue
        rest = _change_rest(changes.connection, scope, before, after, at)
        rows = scope.counts.of(before) - rest
        if rows:
            _change_rows(changes.connection, scope, before, after, at)
        changes.move(scope, before, after, tasks=rest + rows)
        total += rest + rows
        first = scope.next_index if rest else first
    if total:
        changes.append(named or kind, scope, at=at, data=_told(scope, total, first))
    return total


def _after(before: TaskState, kind: Kind) -> TaskState | None:
    """None: an event of this kind never meets a task in that state."""
    if kind is Kind.QUEUED and before is TaskState.QUEUED:
        return None
    return next_state(before, kind)


def _change_rest(connection: Connection, scope: Scope, before: TaskState, after: TaskState, at: datetime) -> int:
    if scope.rest_state is not before or not scope.rest:
        return 0
    statement = _END_REST if after in FINAL else _QUEUE
    connection.execute(statement, {"b_job": scope.job, "b_stage": scope.stage, "b_state": after.value, "b_at": at})
    return scope.rest


def _change_rows(connection: Connection, scope: Scope, before: TaskState, after: TaskState, at: datetime) -> None:
    values: Values = {"b_job": scope.job, "b_stage": scope.stage, "b_before": before.value, "b_state": after.value}
    if after in FINAL:
        connection.execute(_END_ROWS, {**values, "b_ended_at": at, "b_reason": _REASONS[after].value})
    else:
        connection.execute(_QUEUE_ROWS, {**values, "b_queued_at": at})


def _told(scope: Scope, total: int, first: int | None) -> Data:
    """How many; and from which to which, when they are the rest of the stage."""
    return {"tasks": total} if first is None else {"tasks": total, "first": first, "last": scope.total - 1}
