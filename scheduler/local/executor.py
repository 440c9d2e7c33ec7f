"""The local executor: the face over its parts, and the event loop's side of every attempt."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from functools import partial
from typing import Final, TypeVar

import structlog

from scheduler.local import cgroups, concluding, descriptors, ending, machine, starting
from scheduler.local.concluding import ClaimedByAnotherError
from scheduler.local.lifeline import Lifeline
from scheduler.local.running import Running
from scheduler.local.settings import LocalSettings
from scheduler.local.starting import Means
from scheduler.local.watch import Verdict, Watch
from scheduler.ports import Clock, Executor, Order
from scheduler.snapshot import Node
from tovi_server.core.events import Report, Started
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

_THREADS: Final = 4
_TRY_AGAIN_S: Final = 1.0
_YOUNG_S: Final = 1.0
"""Shells that are just starting others may miss a TERM, so a young attempt gets it twice."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


@asynccontextmanager
async def open_local_executor(settings: LocalSettings, *, clock: Clock) -> AsyncIterator[Executor]:
    """An executor of attempts on this machine. Leaving ends the watch over them, and never an attempt.

    From then on this process hands none of its descriptors to any program it starts, unless told to.
    """
    descriptors.keep_private()
    node = await asyncio.to_thread(machine.node, settings)
    found = cgroups.find() if settings.use_cgroups else None
    if found is None:
        log.warning("memory_limited_by_watching", why="no control group for memory can be written here")
    with closing(Lifeline.open()) as line, ThreadPoolExecutor(_THREADS, "local-executor") as pool:
        means = Means(line, settings.boot_id, found)
        async with asyncio.TaskGroup() as tasks:
            executor = LocalExecutor(node, means, clock=clock, pool=pool, tasks=tasks)
            watching = tasks.create_task(executor.watch(settings))
            try:
                yield executor
            finally:
                watching.cancel()
                executor.leave()


class LocalExecutor:
    """`Executor` by processes on this machine."""

    def __init__(
        self, node: Node, means: Means, *, clock: Clock, pool: ThreadPoolExecutor, tasks: asyncio.TaskGroup
    ) -> None:
        self._node = node
        self._means = means
        self._clock = clock
        self._pool = pool
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._starting: set[AttemptId] = set()
        self._stopped: set[AttemptId] = set()
        """Asked to end while they were being started."""
        self._running: dict[AttemptId, Running] = {}
        self._over: list[Order] = []
        """Ended since the last look, perhaps not with all they started."""
        self._reports: asyncio.Queue[Report] = asyncio.Queue()

    async def nodes(self) -> tuple[Node, ...]:
        """As `Executor.nodes`."""
        return (self._node,)

    async def start(self, order: Order) -> None:
        """As `Executor.start`."""
        attempt = order.attempt
        if attempt in self._running or attempt in self._starting:
            return
        self._starting.add(attempt)
        try:
            running = await self._in_thread(partial(starting.begin, order, self._means))
        except (OSError, ValueError) as error:
            log.warning("attempt_not_started", attempt=str(attempt), error=str(error))
            self._tell(ending.start_failed(attempt, str(error), now=self._clock.now()))
        else:
            self._take(running)
        finally:
            self._starting.discard(attempt)
            self._stopped.discard(attempt)

    async def stop(self, attempt: AttemptId) -> None:
        """As `Executor.stop`."""
        if attempt in self._starting:
            self._stopped.add(attempt)
        running = self._running.get(attempt)
        if running is not None:
            self._end(running, EndReason.CANCELLED)

    async def tend(self, under_way: Collection[AttemptId]) -> None:
        """As `Executor.tend`. What ended has left nothing but files."""

    async def reports(self) -> AsyncIterator[Report]:
        """As `Executor.reports`."""
        while True:
            yield await self._reports.get()

    async def watch(self, settings: LocalSettings) -> None:
        """Until cancelled: look at what runs, and end what asks for more than its due."""
        watch = Watch(sample_every=max(1, round(settings.sample_interval_s / settings.watch_interval_s)))
        while True:
            await asyncio.sleep(settings.watch_interval_s)
            for verdict in await self._in_thread(self._look(watch)):
                self._end(verdict.running, verdict.reason, at_once=True)

    def _look(self, watch: Watch) -> Callable[[], tuple[Verdict, ...]]:
        over, self._over = self._over, []
        now = self._clock.now().timestamp()
        return partial(watch.look, tuple(self._running.values()), over=over, now=now)

    def leave(self) -> None:
        """Watch no more; what runs goes on."""
        for running in self._running.values():
            self._let_go(running)
        self._running.clear()

    def _take(self, running: Running) -> None:
        """Watch over an attempt from now on."""
        attempt = running.order.attempt
        self._tell(Started(attempt, self._time(running.started_at)))
        self._running[attempt] = running
        running.since = self._loop.time()
        if running.shim is None:
            self._tasks.create_task(self._conclude(running))
            return
        self._loop.add_reader(running.shim.pidfd, self._ended, running)
        if running.cause is not None:
            cause, running.cause = running.cause, None
            self._end(running, cause)  # whoever began that may not have got far
        elif attempt in self._stopped:
            self._end(running, EndReason.CANCELLED)
        else:
            self._later(running, running.remaining_s, lambda: self._end(running, EndReason.TIMEOUT))

    def _end(self, running: Running, cause: EndReason, *, at_once: bool = False) -> None:
        """TERM, its grace, KILL, or just KILL; the first cause counts."""
        if running.cause is not None or running.order.attempt not in self._running:
            return
        running.cause = cause
        if at_once:
            self._in_background(running.kill)
        else:
            running.forget_timers()
            self._in_background(running.ask_to_end)
            if self._loop.time() - running.since < _YOUNG_S:
                self._later(running, _YOUNG_S / 2, lambda: self._in_background(running.ask_to_end))
            self._kill_after_grace(running)

    def _kill_after_grace(self, running: Running) -> None:
        self._later(running, running.order.grace.total_seconds(), lambda: self._in_background(running.kill))

    def _later(self, running: Running, seconds: float, action: Callable[[], object]) -> None:
        running.timers.append(self._loop.call_later(max(0, seconds), action))

    def _ended(self, running: Running) -> None:
        """Its shim did."""
        assert running.shim is not None
        self._loop.remove_reader(running.shim.pidfd)
        running.forget_timers()
        self._tasks.create_task(self._conclude(running))

    async def _conclude(self, running: Running) -> None:
        now = self._clock.now()
        try:
            ended = await self._in_thread(partial(concluding.conclude, running, now=now.timestamp()))
        except ClaimedByAnotherError:
            self._forget(running)
            if running.cause is not None:
                self._stopped.add(running.order.attempt)
            await self.start(running.order)
        except OSError as error:
            log.error("attempt_not_concluded", attempt=str(running.order.attempt), error=str(error))
            self._later(running, _TRY_AGAIN_S, lambda: self._tasks.create_task(self._conclude(running)))
        else:
            if running.may_leave_some:
                self._over.append(running.order)
            self._forget(running)
            self._tell(ending.report(running.order.attempt, ended, now=now))

    def _forget(self, running: Running) -> None:
        if self._running.pop(running.order.attempt, None) is not None:
            self._let_go(running)

    def _let_go(self, running: Running) -> None:
        running.forget_timers()
        if running.shim is not None:
            self._loop.remove_reader(running.shim.pidfd)
            running.shim.close()

    def _tell(self, report: Report) -> None:
        self._reports.put_nowait(report)

    def _time(self, at: float | None) -> datetime:
        return self._clock.now() if at is None else datetime.fromtimestamp(at, UTC)

    def _in_background(self, call: Callable[[], None]) -> None:
        self._tasks.create_task(self._in_thread(call))

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._pool, call)
