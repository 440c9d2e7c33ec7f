"""The one place that writes a task's state: events are applied here, and written together at the end.

Tasks, the counts of their stages and jobs, and the event feed change in one transaction or not at all. Every
row of a task is guarded by its version.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Insert, Update, bindparam, insert, select, tuple_, update

from tovi_server.core.errors import InvariantError
from tovi_server.core.events import Kind
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.states import FINAL, TaskState, next_state
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.convert import Values, data_text, task_of, task_values
from tovi_server.store.rest import note_rows
from tovi_server.store.scopes import Scope, StageKey, load_scopes, pieces, rest_task

Data = Mapping[str, str | int | float | None]

_OF_TASKS: Final = select(tables.tasks).where(
    tuple_(tables.tasks.c.job_id, tables.tasks.c.stage, tables.tasks.c.task_index).in_(
        bindparam("b_tasks", expanding=True)
    )
)
_UPDATE_TASK: Final = (
    update(tables.tasks)
    .where(tables.tasks.c.job_id == bindparam("b_job"), tables.tasks.c.stage == bindparam("b_stage"))
    .where(tables.tasks.c.task_index == bindparam("b_index"), tables.tasks.c.version == bindparam("b_version"))
    .values({column.name: bindparam(column.name) for column in tables.tasks.c if not column.primary_key})
)


def _adding(statement: Update) -> Update:
    columns = statement.table.c
    return statement.values({state.value: columns[state.value] + bindparam(f"b_{state.value}") for state in TaskState})


_ADD_TO_STAGE: Final = _adding(
    update(tables.stages).where(
        tables.stages.c.job_id == bindparam("b_job"), tables.stages.c.name == bindparam("b_stage")
    )
)
_ADD_TO_JOB: Final = _adding(update(tables.jobs).where(tables.jobs.c.id == bindparam("b_job")))
_START_JOB: Final = (
    update(tables.jobs)
    .where(tables.jobs.c.id == bindparam("b_job"), tables.jobs.c.started_at.is_(None))
    .values(started_at=bindparam("b_at"))
)


class Changes:
    """What one transaction does. Load, then apply, then `write`; it may go on after that."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.jobs_with_ends: set[JobId] = set()
        """Jobs of which a task became final."""
        self._scopes: dict[StageKey, Scope] = {}
        self._tasks: dict[TaskId, Task] = {}
        self._stored: dict[TaskId, int] = {}
        self._moves: defaultdict[StageKey, Counter[TaskState]] = defaultdict(Counter)
        self._job_starts: dict[JobId, datetime] = {}
        self._events: list[Values] = []

    def load(self, ids: Iterable[TaskId]) -> None:
        """Read these tasks and their stages; what does not exist is left out."""
        wanted = set(ids)
        self._scopes = load_scopes(self.connection, {(task.job, task.stage) for task in wanted})
        for some in pieces([(task.job, task.stage, task.index) for task in wanted]):
            for task in map(task_of, self.connection.execute(_OF_TASKS, {"b_tasks": some})):
                self._tasks[task.id] = task
                self._stored[task.id] = task.version

    def scope(self, task: TaskId) -> Scope:
        """The stage of a task that `task` found."""
        return self._scopes[task.job, task.stage]

    def task(self, name: TaskId) -> Task | None:
        """As it is after what was applied so far; None: it was not loaded, or does not exist."""
        if name in self._tasks:
            return self._tasks[name]
        scope = self._scopes.get((name.job, name.stage))
        if scope is None or not 0 <= name.index < scope.total:
            return None
        if name.index < scope.next_index:
            raise InvariantError(f"task {name} has no row, though its stage has rows up to {scope.next_index}")
        return rest_task(scope, name.index)

    def apply(
        self, kind: Kind, after: Task, *, at: datetime, user: str | None = None, data: Data | None = None
    ) -> None:
        """An event of `kind` happens to a task, which becomes `after`, in the state that the event leads to."""
        before = self.task(after.id)
        assert before is not None, "only tasks that were loaded change"
        state = next_state(before.state, kind)
        self._tasks[after.id] = replace(after, state=state, version=before.version + 1)
        scope = self.scope(after.id)
        self.move(scope, before.state, state, tasks=1)
        if kind is Kind.STARTED and scope.job_started_at is None:
            self._job_starts.setdefault(scope.job, at)
        attempt = after.attempt or None
        self.append(kind, scope, at=at, index=after.id.index, attempt=attempt, user=user, data=data)

    def move(self, scope: Scope, before: TaskState, after: TaskState, *, tasks: int) -> None:
        """Count so many tasks of a stage as being in another state than before."""
        if before is not after and tasks:
            self._moves[scope.key].update({before: -tasks, after: tasks})
            if after in FINAL:
                self.jobs_with_ends.add(scope.job)

    def append(
        self,
        kind: Kind,
        scope: Scope,
        *,
        at: datetime,
        whole_job: bool = False,
        index: int | None = None,
        attempt: int | None = None,
        user: str | None = None,
        data: Data | None = None,
    ) -> None:
        """Add an event to the feed: about a task, a whole stage (no index), or the whole job."""
        stage = None if whole_job else scope.stage
        place = {"job_id": scope.job, "stage": stage, "task_index": index, "attempt": attempt}
        who = {"user": user, "project": scope.project}
        self._events.append({"at": at, "kind": kind.value, **place, **who, "data": data_text(data or {})})

    def write(self) -> None:
        """Write all that was applied since the last time."""
        self._write_tasks()
        self._write_counts()
        self._execute(_START_JOB, [{"b_job": job, "b_at": at} for job, at in self._job_starts.items()])
        self._execute(insert(tables.events), self._events)
        self._job_starts, self._events = {}, []

    def _write_tasks(self) -> None:
        changed = [task for task in self._tasks.values() if task.version != self._stored.get(task.id, 0)]
        new = [task for task in changed if task.id not in self._stored]
        self._execute(insert(tables.tasks), [task_values(task) for task in new])
        self._update_tasks([task for task in changed if task.id in self._stored])
        note_rows(self.connection, self._scopes, [task.id for task in new])
        self._stored.update({task.id: task.version for task in changed})

    def _update_tasks(self, changed: list[Task]) -> None:
        values = [
            {
                **task_values(task),
                "b_job": task.id.job,
                "b_stage": task.id.stage,
                "b_index": task.id.index,
                "b_version": self._stored[task.id],
            }
            for task in changed
        ]
        if self._execute(_UPDATE_TASK, values) != len(values):
            raise InvariantError("a task was changed by somebody else within this transaction")

    def _write_counts(self) -> None:
        by_job: defaultdict[JobId, Counter[TaskState]] = defaultdict(Counter)
        for (job, _), moved in self._moves.items():
            by_job[job].update(moved)
        by_stage = [{"b_job": job, "b_stage": stage, **_deltas(moved)} for (job, stage), moved in self._moves.items()]
        self._execute(_ADD_TO_STAGE, by_stage)
        self._execute(_ADD_TO_JOB, [{"b_job": job, **_deltas(moved)} for job, moved in by_job.items()])
        self._moves.clear()

    def _execute(self, statement: Update | Insert, values: list[Values]) -> int:
        return self.connection.execute(statement, values).rowcount if values else 0


def _deltas(moved: Mapping[TaskState, int]) -> Values:
    return {f"b_{state.value}": moved.get(state, 0) for state in TaskState}
