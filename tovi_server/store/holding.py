"""Holds of whole jobs and stages are one flag on their row; releasing a part releases all that is in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, bindparam, false, true, update

from tovi_server.core.events import Kind
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.scopes import Scope

_FLAG_JOB: Final = update(tables.jobs).where(tables.jobs.c.id == bindparam("b_job")).values(held=bindparam("b_held"))
_FLAG_STAGE: Final = (
    update(tables.stages)
    .where(tables.stages.c.job_id == bindparam("b_job"), tables.stages.c.name == bindparam("b_stage"))
    .values(held=bindparam("b_held"))
)
_RELEASE_TASKS: Final = (
    update(tables.tasks)
    .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
    .where(tables.tasks.c.held == true())
    .values(held=false(), version=tables.tasks.c.version + 1)
)


def change_hold(
    changes: Changes, kind: Kind, scopes: Sequence[Scope], *, whole_job: bool, user: str, now: datetime
) -> int:
    """HELD or RELEASED happens to these stages, or to the whole job; how many tasks it changed."""
    held = kind is Kind.HELD
    left = [scope for scope in scopes if _unfinished(scope)]
    if not left:
        return 0
    changed = 0
    if whole_job and left[0].job_held is not held:
        changes.connection.execute(_FLAG_JOB, {"b_job": left[0].job, "b_held": held})
        changed = sum(_unfinished(scope) for scope in left)
    if not (whole_job and held):
        inner = sum(_change_stage(changes.connection, scope, held=held) for scope in left)
        changed = max(changed, inner)
    if changed:
        changes.append(kind, left[0], at=now, whole_job=whole_job, user=user, data={"tasks": changed})
    return changed


def _change_stage(connection: Connection, scope: Scope, *, held: bool) -> int:
    """The stage's own flag; a release also frees the tasks that were held one by one."""
    place = {"b_job": scope.job, "b_stage": scope.stage}
    singly = 0 if held or not scope.rows else connection.execute(_RELEASE_TASKS, place).rowcount
    if scope.stage_held is held:
        return singly
    connection.execute(_FLAG_STAGE, {**place, "b_held": held})
    return _unfinished(scope)


def _unfinished(scope: Scope) -> int:
    return scope.counts.total - scope.counts.final
