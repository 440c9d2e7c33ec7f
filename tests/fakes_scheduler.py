"""A queue, files, an executor and a clock in memory, each of which can be told to fail or to wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.crew import Width
from scheduler.loop import Loop
from scheduler.policies.default import DEFAULT
from scheduler.policies.protocols import Policies
from scheduler.ports import Order, Owner
from scheduler.snapshot import Active, Changes, Node, Placement, StageQueue
from tovi_server.core.events import Delayed, Exited, Report, Started
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import GIB, Resources
from tovi_server.core.states import ACTIVE, TaskState

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
ONE_CPU = Resources(cpu_millicores=1000, memory_bytes=GIB)
NODE = Node("node-1", Resources(cpu_millicores=4000, memory_bytes=16 * GIB, gpus=2, gpu_models=("h100",)))
SOON_S = 10.0
"""A deadline: what does not happen until then never does."""


def an_entry(job: int = 1, **changes: object) -> StageQueue:
    """One queued task of one cpu."""
    entry = StageQueue(
        job=JobId(job),
        stage="main",
        project="lens",
        user="ada",
        queue="default",
        priority=0,
        submitted_at=NOW,
        request=ONE_CPU,
        indices=(0,),
        rest_from=0,
        rest_until=0,
        taken=frozenset(),
        active=0,
        max_concurrent=None,
        held=False,
    )
    return replace(entry, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def an_active(job: int = 1, index: int = 0, number: int = 1, **changes: object) -> Active:
    """Of one cpu, starting on node-1."""
    active = Active(
        attempt=attempt(job, index, number),
        state=TaskState.STARTING,
        project="lens",
        user="ada",
        node=NODE.name,
        request=ONE_CPU,
        gpu_ids=(),
        timeout=timedelta(hours=1),
        dispatched_at=NOW,
        started_at=None,
        cancel_requested=False,
    )
    return replace(active, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def attempt(job: int, index: int = 0, number: int = 1) -> AttemptId:
    return AttemptId(TaskId(JobId(job), "main", index), number)


def exited(one: AttemptId, reason: EndReason = EndReason.OK, code: int | None = 0) -> Exited:
    return Exited(one, NOW, reason, code)


@dataclass
class FakeClock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at


@dataclass
class FakeQueue:
    """Stages of one cpu a task. Like the store: compare and set, numbered events, stale reports change nothing."""

    events: int = 0
    queued: dict[TaskId, int] = field(default_factory=dict)
    """With the number of the last attempt."""
    under_way: dict[AttemptId, Active] = field(default_factory=dict)
    ended: dict[TaskId, Exited] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    outages: list[str] = field(default_factory=list)
    reads: int = 0
    failures: list[Exception] = field(default_factory=list)
    """Raised one by one by the next writes, which then have done nothing."""
    read_failures: list[Exception] = field(default_factory=list)
    """Raised one by one by the next looks."""
    lost_answers: list[Exception] = field(default_factory=list)
    """Raised one by one by the next dispatches, which were committed."""
    delays: list[Delayed] = field(default_factory=list)
    batches: list[tuple[Report, ...]] = field(default_factory=list)
    recording: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while a record may be committed."""
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    def __post_init__(self) -> None:
        self.recording.set()

    def submit(self, job: int, tasks: int = 1) -> None:
        for index in range(tasks):
            self.queued[TaskId(JobId(job), "main", index)] = 0
        self.events += 1

    def cancel(self, one: AttemptId) -> None:
        self.under_way[one] = replace(self.under_way[one], cancel_requested=True)
        self.events += 1

    async def look(self, *, after: int | None) -> Changes | None:
        if self.read_failures:
            raise self.read_failures.pop(0)
        if after == self.events:
            return None
        self.reads += 1
        jobs = sorted({task.job for task in self.queued})
        waiting = (an_entry(job, indices=self._indices(job), active=self._active_of(job)) for job in jobs)
        return Changes(self.events, None, tuple(waiting), tuple(self.under_way.values()))

    def _indices(self, job: JobId) -> tuple[int, ...]:
        return tuple(sorted(task.index for task in self.queued if task.job == job))

    def _active_of(self, job: JobId) -> int:
        return sum(1 for one in self.under_way if one.task.job == job)

    async def dispatch(self, placements: Sequence[Placement], *, now: datetime) -> tuple[Active, ...]:
        self._fail()
        started = []
        for placement in placements:
            if placement.task not in self.queued:
                continue
            one = AttemptId(placement.task, self.queued.pop(placement.task) + 1)
            active = an_active(node=placement.node, gpu_ids=placement.gpu_ids, dispatched_at=now)
            self.under_way[one] = replace(active, attempt=one)
            started.append(self.under_way[one])
        await self._commit()
        if self.lost_answers:
            raise self.lost_answers.pop(0)
        return tuple(started)

    async def record(self, reports: Sequence[Report]) -> None:
        self._fail()
        self.batches.append(tuple(reports))
        async with asyncio.timeout(SOON_S):
            await self.recording.wait()
        for report in reports:
            self._apply(report)
        await self._commit()

    def _apply(self, report: Report) -> None:
        active = self.under_way.get(report.attempt)
        if active is None or active.state not in ACTIVE:
            return
        if isinstance(report, Delayed):
            self.delays.append(report)
            return
        if isinstance(report, Started):
            self.under_way[report.attempt] = replace(active, state=TaskState.RUNNING, started_at=report.at)
            return
        del self.under_way[report.attempt]
        if isinstance(report, Exited) and report.reason is not EndReason.NODE_LOST:
            self.ended[report.attempt.task] = report
        else:
            self.queued[report.attempt.task] = report.attempt.number

    async def record_nodes(self, nodes: Sequence[Node], *, now: datetime) -> None:
        self.nodes = tuple(nodes)

    async def record_outage(self, why: str, *, now: datetime) -> None:
        self.outages.append(why)

    def _fail(self) -> None:
        if self.failures:
            raise self.failures.pop(0)

    async def _commit(self) -> None:
        self.events += 1
        async with self.changed:
            self.changed.notify_all()


class Gate:
    """Work of named attempts that waits until it is let through, or raises what it is told to."""

    def __init__(self) -> None:
        self.begun: list[AttemptId] = []
        self.errors: dict[AttemptId, list[Exception]] = {}
        self._closed: dict[AttemptId, asyncio.Event] = {}
        self._changed = asyncio.Condition()

    def close(self, one: AttemptId) -> None:
        self._closed[one] = asyncio.Event()

    def open(self, one: AttemptId) -> None:
        self._closed[one].set()

    def fail(self, one: AttemptId, *errors: Exception) -> None:
        self.errors[one] = list(errors)

    async def reached(self, one: AttemptId, times: int = 1) -> None:
        """Wait until it began for the `times`-th time."""
        async with asyncio.timeout(SOON_S), self._changed:
            await self._changed.wait_for(lambda: self.begun.count(one) >= times)

    async def pass_through(self, one: AttemptId) -> None:
        async with self._changed:
            self.begun.append(one)
            self._changed.notify_all()
        if one in self._closed:
            await self._closed[one].wait()
        if self.errors.get(one):
            raise self.errors[one].pop(0)


class FakeFiles:
    def __init__(self) -> None:
        self.preparing = Gate()
        self.finishing = Gate()

    async def prepare(self, active: Active) -> Order:
        await self.preparing.pass_through(active.attempt)
        return an_order(active)

    async def finish(self, exited: Exited) -> Exited:
        await self.finishing.pass_through(exited.attempt)
        return replace(exited, metrics=(("finished", 1.0),))


def an_order(active: Active) -> Order:
    return Order(
        attempt=active.attempt,
        project=active.project,
        node=active.node,
        image=None,
        request=active.request,
        gpu_ids=active.gpu_ids,
        timeout=active.timeout,
        grace=timedelta(seconds=1),
        script="true",
        environment={},
        owner=Owner(None, None),
        control=Path("control"),
        work=Path("work"),
        log_limit_bytes=1,
    )


class FakeExecutor:
    """Does nothing by itself: a test says what the attempts do. Starting twice is remembered, and harmless."""

    def __init__(self, nodes: Collection[Node] = (NODE,)) -> None:
        self.machines = tuple(nodes)
        self.machines_errors: list[Exception] = []
        self.starting = Gate()
        self.stopping = Gate()
        self.under_way: frozenset[AttemptId] = frozenset()
        self._reports: asyncio.Queue[Report | None] = asyncio.Queue()

    async def nodes(self) -> tuple[Node, ...]:
        if self.machines_errors:
            raise self.machines_errors.pop(0)
        return self.machines

    async def start(self, order: Order) -> None:
        await self.starting.pass_through(order.attempt)

    async def stop(self, attempt: AttemptId) -> None:
        await self.stopping.pass_through(attempt)

    async def tend(self, under_way: Collection[AttemptId]) -> None:
        self.under_way = frozenset(under_way)

    def say(self, report: Report) -> None:
        self._reports.put_nowait(report)

    def say_no_more(self) -> None:
        self._reports.put_nowait(None)

    async def reports(self) -> AsyncIterator[Report]:
        while (report := await self._reports.get()) is not None:
            yield report


class House:
    """A loop over fakes."""

    def __init__(self, *, policies: Callable[[], Policies] = lambda: DEFAULT) -> None:
        self.clock = FakeClock()
        self.queue = FakeQueue()
        self.files = FakeFiles()
        self.executor = FakeExecutor()
        self.told = 0
        self.loop = Loop(
            queue=self.queue,
            files=self.files,
            executor=self.executor,
            starts=Width(in_all=8, of_a_stage=2),
            policies=policies,
            clock=self.clock,
            interval=timedelta(hours=1),
            told=self._tell,
        )

    def _tell(self) -> None:
        self.told += 1

    @asynccontextmanager
    async def running(self) -> AsyncIterator[House]:
        running = asyncio.create_task(self.loop.run())
        try:
            yield self
        finally:
            running.cancel()
            with suppress(asyncio.CancelledError):
                await running

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until the queue is as wanted; it is looked at after each transaction."""
        async with asyncio.timeout(SOON_S), self.queue.changed:
            await self.queue.changed.wait_for(condition)

    async def look(self, *, later: timedelta = timedelta()) -> None:
        """Let some time pass, and have the loop look at everything."""
        self.clock.at += later
        await self.loop.tick()
        await asyncio.sleep(0)  # others have their turn

    async def look_until(self, condition: Callable[[], bool]) -> None:
        """Let more and more time pass until it is so."""
        async with asyncio.timeout(SOON_S):
            while not condition():
                await self.look(later=timedelta(minutes=1))
