"""Short words for what happens in a store, and the proof that its counts are true."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from scheduler.snapshot import Active, Placement
from tovi_server.core.events import Exited, Kind, Started
from tovi_server.core.ids import JobId, TaskId, parse_reference, parse_task_id
from tovi_server.core.job import Job, NewJob
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources
from tovi_server.core.spec import CellSpace, Range, Spec, StageSpec
from tovi_server.core.states import FINAL, TaskState
from tovi_server.core.task import Task
from tovi_server.store import tables
from tovi_server.store.engine import Database
from tovi_server.store.jobs import JobStore

DAWN = datetime(2026, 3, 1, 6, 0, tzinfo=UTC)


def stage(name: str = "main", tasks: int = 1, **more: Any) -> StageSpec:
    """A stage of so many tasks."""
    cells = CellSpace() if tasks == 1 else CellSpace(array=Range(0, tasks - 1))
    return replace(StageSpec(name=name, run="true", cells=cells, request=Resources(cpu_millicores=1000)), **more)


def new_job(*stages: StageSpec, **more: Any) -> NewJob:
    """A submission by ann to project lab, of one task unless stages say otherwise."""
    job = NewJob(
        project="lab",
        user="ann",
        name="a job",
        queue="default",
        priority=0,
        tags=(),
        note="",
        held=False,
        spec=Spec(stages=stages or (stage(),)),
        text="run: true\n",
        snapshot=None,
    )
    return replace(job, **more)


@dataclass
class House:
    """A store whose clock goes on a second with every verb."""

    database: Database

    def __post_init__(self) -> None:
        self.store = JobStore(self.database)
        self._seconds = itertools.count()

    def now(self) -> datetime:
        return DAWN + timedelta(seconds=next(self._seconds))

    async def submit(self, *stages: StageSpec, **more: Any) -> JobId:
        job, _ = await self.store.submit(new_job(*stages, **more), now=self.now())
        return job

    async def job(self, job: JobId) -> Job:
        found = await self.store.job(job)
        assert found is not None
        return found

    async def state(self, reference: str) -> TaskState:
        return (await self.task(reference)).state

    async def task(self, reference: str) -> Task:
        found = await self.store.task(parse_task_id(reference))
        assert found is not None
        return found

    async def counts(self, job: JobId, stage: str | None = None) -> dict[str, int]:
        """Only the states that some task is in."""
        found = await self.job(job)
        counts = found.counts if stage is None else {one.name: one.counts for one in found.stages}[stage]
        return {state.value: counts.of(state) for state in TaskState if counts.of(state)}

    async def dispatch(self, *tasks: str | TaskId, node: str = "n1") -> tuple[Active, ...]:
        ids = [parse_task_id(task) if isinstance(task, str) else task for task in tasks]
        return await self.store.dispatch([Placement(task, node) for task in ids], now=self.now())

    async def start(self, *tasks: str) -> tuple[Active, ...]:
        """Dispatch them, and report that they started."""
        attempts = await self.dispatch(*tasks)
        await self.store.record([Started(one.attempt, self.now()) for one in attempts])
        return attempts

    async def end(self, *attempts: Active, reason: EndReason = EndReason.OK, exit_code: int | None = 0) -> None:
        if reason is not EndReason.OK and exit_code == 0:
            exit_code = 1
        await self.store.record([Exited(one.attempt, self.now(), reason, exit_code) for one in attempts])

    async def run(self, *tasks: str, reason: EndReason = EndReason.OK) -> None:
        """From the queue to the end."""
        await self.end(*await self.start(*tasks), reason=reason)

    async def request(self, kind: Kind, target: str) -> int:
        return await self.store.request(kind, parse_reference(target), user="ann", now=self.now())

    async def cancel(self, target: str | JobId) -> int:
        return await self.request(Kind.CANCEL_REQUESTED, str(target))

    async def hold(self, target: str | JobId) -> int:
        return await self.request(Kind.HELD, str(target))

    async def release(self, target: str | JobId) -> int:
        return await self.request(Kind.RELEASED, str(target))

    async def story(self, job: JobId) -> list[str]:
        """The events of a job, in order, as `kind` or `kind stage` or `kind stage.index`."""
        events = await self.store.events(after=0, limit=1000, job=job, projects=None)
        return [f"{event.kind} {event.stage or ''}{_dotted(event.index)}".strip() for event in events]

    async def rows(self) -> dict[str, int]:
        """How many rows each table of jobs has."""
        return await self.database.read(_count_rows)


def _dotted(index: int | None) -> str:
    return "" if index is None else f".{index}"


def _count_rows(connection: Connection) -> dict[str, int]:
    counted = (tables.jobs, tables.stages, tables.tasks, tables.attempts)
    return {table.name: connection.execute(select(func.count()).select_from(table)).scalar_one() for table in counted}


def assert_counts_are_true(connection: Connection) -> None:
    """Rebuild every count from the rows it stands for."""
    of_tasks: dict[tuple[int, str], Counter[str]] = {}
    indices: dict[tuple[int, str], list[int]] = {}
    for row in connection.execute(select(tables.tasks)):
        of_tasks.setdefault((row.job_id, row.stage), Counter())[row.state] += 1
        indices.setdefault((row.job_id, row.stage), []).append(row.task_index)
    of_jobs: dict[int, Counter[str]] = {}
    for row in connection.execute(select(tables.stages)):
        key = row.job_id, row.name
        counted = of_tasks.get(key, Counter())
        counted[row.rest_state] += row.total - sum(counted.values())
        assert {state: getattr(row, state) for state in counted} == dict(counted), key
        assert sum(getattr(row, state.value) for state in TaskState) == row.total, key
        assert row.rows == len(indices.get(key, [])), key
        assert set(range(row.next_index)) <= set(indices.get(key, [])), key
        assert row.next_index not in indices.get(key, []), key
        of_jobs.setdefault(row.job_id, Counter()).update(counted)
    for row in connection.execute(select(tables.jobs)):
        of_job = of_jobs[row.id]
        assert {state.value: getattr(row, state.value) for state in TaskState} == {
            state.value: of_job[state.value] for state in TaskState
        }, row.id
        unfinished = sum(of_job[state.value] for state in TaskState if state not in FINAL)
        assert (row.ended_at is None) == bool(unfinished), row.id
        assert not unfinished or unfinished > of_job["waiting"], f"job {row.id} is stuck"
