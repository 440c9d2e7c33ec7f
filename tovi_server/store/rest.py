"""Keeps track of which tasks of a stage have rows, and changes many tasks of a stage at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from typing import Final

from sqlalchemy import Connection, bindparam, select, update

from tovi_server.core.ids import TaskId
from tovi_server.store import tables
from tovi_server.store.scopes import Scope, StageKey

_NOTE: Final = (
    update(tables.stages)
    .where(tables.stages.c.job_id == bindparam("b_job"), tables.stages.c.name == bindparam("b_stage"))
    .values(rows=tables.stages.c.rows + bindparam("b_rows"), next_index=bindparam("b_next"))
)
_ROWS_FROM: Final = (
    select(tables.tasks.c.task_index)
    .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
    .where(tables.tasks.c.task_index >= bindparam("b_first"))
    .order_by(tables.tasks.c.task_index)
)


def note_rows(connection: Connection, scopes: Mapping[StageKey, Scope], new: Iterable[TaskId]) -> None:
    """Tasks got rows of their own: count them, and move `next_index` past all that lie side by side."""
    by_stage: defaultdict[StageKey, set[int]] = defaultdict(set)
    for task in new:
        by_stage[task.job, task.stage].add(task.index)
    values = [
        {"b_job": key[0], "b_stage": key[1], "b_rows": len(indices), "b_next": _next(connection, scopes[key], indices)}
        for key, indices in by_stage.items()
    ]
    if values:
        connection.execute(_NOTE, values)


def _next(connection: Connection, scope: Scope, new: Set[int]) -> int:
    at = scope.next_index
    while at in new:
        at += 1
    if at == scope.next_index or scope.rows + len(new) == at:
        return at
    for (index,) in connection.execute(_ROWS_FROM, {"b_job": scope.job, "b_stage": scope.stage, "b_first": at}):
        if index != at:
            break
        at += 1
    return at
