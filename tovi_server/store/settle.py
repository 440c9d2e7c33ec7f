"""What follows when tasks end: stages that need them are queued or skipped, and jobs end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, update

from tovi_server.core.events import Kind
from tovi_server.core.graph import Readiness, verdict
from tovi_server.core.ids import JobId
from tovi_server.core.job import Counts, overall_state
from tovi_server.core.states import TaskState, next_state
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.many import change_all
from tovi_server.store.scopes import Scope, load_scopes_of_jobs

_KINDS: Final = {Readiness.READY: Kind.QUEUED, Readiness.SKIP: Kind.SKIPPED}
_END: Final = update(tables.jobs).where(tables.jobs.c.id == bindparam("b_job")).values(ended_at=bindparam("b_at"))


def conclude(changes: Changes, *, at: datetime) -> None:
    """Write the changes, and all that follows from them."""
    changes.write()
    if changes.jobs_with_ends:
        _follow(changes, changes.jobs_with_ends, at)
        changes.write()


def _follow(changes: Changes, jobs: Collection[JobId], at: datetime) -> None:
    by_job: defaultdict[JobId, list[Scope]] = defaultdict(list)
    for scope in load_scopes_of_jobs(changes.connection, jobs):
        by_job[scope.job].append(scope)
    for scopes in by_job.values():
        _settle(changes, scopes, at)


def _settle(changes: Changes, scopes: list[Scope], at: datetime) -> None:
    counts = {scope.stage: scope.counts for scope in scopes}
    left = [scope for scope in scopes if scope.counts.waiting]
    while moved := [scope for scope in left if (kind := _verdict(scope, counts)) is not None]:
        for scope in moved:
            kind = _verdict(scope, counts)
            assert kind is not None
            change_all(changes, scope, kind, at=at)
            counts[scope.stage] = after_waiting(scope.counts, kind)
        left = [scope for scope in left if scope not in moved]
    total = sum_counts(list(counts.values()))
    if total.final == total.total:
        _end(changes, scopes[0], total, at)


def _verdict(scope: Scope, counts: dict[str, Counts]) -> Kind | None:
    return _KINDS.get(verdict([counts[need] for need in scope.needs]))


def after_waiting(counts: Counts, kind: Kind) -> Counts:
    """The counts once an event of `kind` happened to all that wait."""
    after = next_state(TaskState.WAITING, kind)
    return replace(counts, waiting=0, **{after.value: counts.of(after) + counts.waiting})


def sum_counts(several: Sequence[Counts]) -> Counts:
    if len(several) == 1:
        return several[0]
    return Counts(**{state.value: sum(counts.of(state) for counts in several) for state in TaskState})


def _end(changes: Changes, scope: Scope, total: Counts, at: datetime) -> None:
    changes.connection.execute(_END, {"b_job": scope.job, "b_at": at})
    changes.append(Kind.ENDED, scope, at=at, whole_job=True, data={"state": overall_state(total).value})
