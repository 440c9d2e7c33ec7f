"""Whatever happens in whatever order: counts stay true, states follow the table, nothing is stuck."""

from __future__ import annotations

import asyncio
import itertools
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test
from sqlalchemy import Connection, select

from scheduler.picture import Picture
from scheduler.snapshot import Active
from tests.contract.postgres import PostgresServer
from tests.contract.store_house import DAWN, House, assert_counts_are_true, stage
from tovi_server.core.events import Exited, Kind, Lost, Started
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.states import ACTIVE, TRANSITIONS, TaskState
from tovi_server.store import tables
from tovi_server.store.engine import Database

pytest_plugins = ("tests.contract.store_fixtures",)


def _reachable(state: TaskState) -> frozenset[TaskState]:
    """What a task in `state` can become, by however many events."""
    found = {state}
    while more := {after for one in found for after in TRANSITIONS[one].values()} - found:
        found |= more
    return frozenset(found)


_REACHABLE = {state: _reachable(state) for state in TaskState}


class Lives(RuleBasedStateMachine):
    """A store to which everything happens that can happen to one."""

    url = "sqlite:///tovi.db"
    jobs = Bundle("jobs")
    attempts = Bundle("attempts")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database.open(self.url, base=Path(self.folder.name))
        self.house = House(self.database)
        self.seen: dict[TaskId, TaskState] = {}
        self.picture = Picture(self.house.store)

    def teardown(self) -> None:
        self.runner.run(self.finish())
        self.runner.run(self.database.close())
        self.runner.close()
        self.folder.cleanup()

    @rule(
        target=jobs,
        widths=st.lists(st.integers(1, 5), min_size=1, max_size=4),
        needs=st.integers(0, 63),
        retries=st.integers(0, 2),
        limit=st.none() | st.integers(1, 2),
        part=st.none() | st.sets(st.integers(0, 4)),
    )
    def submit(self, widths: list[int], needs: int, retries: int, limit: int | None, part: set[int] | None) -> JobId:
        policy = RetryPolicy(max=retries)
        stages = [
            stage(
                f"s{place}",
                width,
                retries=policy,
                max_concurrent=limit,
                needs=tuple(f"s{before}" for before in range(place) if needs >> (place + before) & 1),
            )
            for place, width in enumerate(widths)
        ]
        unfinished = None
        if part is not None:
            unfinished = {f"s{place}": tuple(part & set(range(width))) for place, width in enumerate(widths)}
        return self.runner.run(self.house.submit(*stages, unfinished=unfinished))

    @rule(target=attempts, job=jobs, places=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), max_size=5))
    def dispatch(self, job: JobId, places: list[tuple[int, int]]) -> object:
        tasks = [TaskId(job, f"s{place}", index) for place, index in places]
        return multiple(*self.runner.run(self.house.dispatch(*tasks)))

    @rule(target=attempts, most=st.integers(1, 4))
    def dispatch_what_waits(self, most: int) -> object:
        return multiple(*self.runner.run(self.dispatch_some(most)))

    @rule(chosen=st.lists(st.tuples(attempts, st.sampled_from(["start", "end", "lose", *EndReason])), max_size=4))
    def report(self, chosen: list[tuple[Active, str]]) -> None:
        reports: list[Started | Exited | Lost] = []
        for active, fact in chosen:
            if fact == "start":
                reports.append(Started(active.attempt, DAWN))
            elif fact == "lose":
                reports.append(Lost(active.attempt, DAWN, ""))
            else:
                reason = EndReason(fact) if fact != "end" else EndReason.OK
                reports.append(Exited(active.attempt, DAWN, reason, 0 if reason is EndReason.OK else 1))
        self.runner.run(self.house.store.record(reports))

    @rule(
        job=jobs,
        kind=st.sampled_from([Kind.CANCEL_REQUESTED, Kind.HELD, Kind.RELEASED]),
        place=st.none() | st.integers(0, 3),
        index=st.none() | st.integers(0, 4),
    )
    def request(self, job: JobId, kind: Kind, place: int | None, index: int | None) -> None:
        stages = self.runner.run(self.house.job(job)).stages
        target = str(job)
        if place is not None and place < len(stages):
            target += f".s{place}"
            if index is not None and index < stages[place].total:
                target += f".{index}"
        self.runner.run(self.house.request(kind, target))

    @invariant()
    def all_is_well(self) -> None:
        self.runner.run(self.check())

    async def check(self) -> None:
        await self.database.read(assert_counts_are_true)
        states = await self.all_states()
        for task, before in self.seen.items():
            assert states[task] in _REACHABLE[before], f"{task} was {before}, and is {states[task]}"
        self.seen = states
        active = [one.attempt.task for one in await self.house.store.active()]
        assert sorted(active) == sorted(task for task, state in states.items() if state in ACTIVE)
        await self.picture.catch_up()
        followed = self.picture.snapshot((), frozenset())
        assert set(followed.queues) == set(await self.house.store.waiting())
        assert set(followed.active) == set(await self.house.store.active())

    async def all_states(self) -> dict[TaskId, TaskState]:
        found: dict[TaskId, TaskState] = {}
        for job in await self.database.read(_job_ids):
            found.update({task.id: task.state for task in await self.house.store.tasks(job)})
        return found

    async def dispatch_some(self, most: int) -> tuple[Active, ...]:
        tasks = [
            TaskId(entry.job, entry.stage, index)
            for entry in await self.house.store.waiting()
            if not entry.held
            for index in (*entry.indices, *(set(range(entry.rest_from, entry.rest_until)) - entry.taken))
        ]
        return await self.house.dispatch(*tasks[:most])

    async def finish(self) -> None:
        """Everything can still be brought to its end: nothing is stuck."""
        for job in await self.database.read(_job_ids):
            await self.house.release(job)
        for _ in range(1000):
            await self.house.end(*await self.house.store.active())
            if not await self.dispatch_some(1000):
                break
        jobs = [await self.house.job(job) for job in await self.database.read(_job_ids)]
        assert [job.id for job in jobs if job.ended_at is None] == []
        await self.database.read(assert_counts_are_true)


def _job_ids(connection: Connection) -> list[JobId]:
    return [JobId(job) for job in connection.execute(select(tables.jobs.c.id)).scalars()]


def _live(examples: int, url: Callable[[], str]) -> None:
    class Here(Lives):
        def __init__(self) -> None:
            self.url = url()
            super().__init__()

    checks = [HealthCheck.too_slow, HealthCheck.data_too_large]
    chosen = settings(max_examples=examples, stateful_step_count=25, suppress_health_check=checks)
    run_state_machine_as_test(Here, settings=chosen)


def test_lives_on_sqlite(sqlite_template: Path, tmp_path: Path) -> None:
    numbers = itertools.count()

    def copy() -> str:
        return f"sqlite:///{shutil.copy(sqlite_template, tmp_path / f'{next(numbers)}.db')}"

    _live(25, copy)


@pytest.mark.postgres
def test_lives_on_postgres(postgres_server: PostgresServer, postgres_template: str) -> None:
    _live(5, lambda: postgres_server.create_database(template=postgres_template))
