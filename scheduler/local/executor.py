"""The local executor: the face over its parts, and the event loop's side of every attempt."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, closing
from datetime import UTC, datetime
from typing import Final, TypeVar

import structlog

from scheduler.local import cgroups, concluding, ending, machine, starting
from scheduler.local.lifeline import Lifeline
from scheduler.local.running import Running
from scheduler.local.settings import LocalSettings
from scheduler.local.starting import Means
from scheduler.ports import Clock, Executor, Order
from scheduler.snapshot import Node
from tovi_server.core.events import Report, Started
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

_THREADS: Final = 4

log = structlog.get_logger(__name__)
T = TypeVar("T")


@asynccontextmanager
async def open_local_executor(settings: LocalSettings, *, clock: Clock) -> AsyncIterator[Executor]:
    """An executor of attempts on this machine. Leaving ends the watch over them, and never an attempt."""
    node = await asyncio.to_thread(machine.node, settings)
    found = cgroups.find() if settings.use_cgroups else None
    if found is None:
        log.warning("memory_limited_by_watching", why="no control group for memory can be written here")
    with closing(Lifeline.open()) as line, ThreadPoolExecutor(_THREADS, "local-executor") as pool:
        async with asyncio.TaskGroup() as tasks:
            executor = LocalExecutor(node, Means(line, settings.boot_id, found), clock=clock, pool=pool, tasks=tasks)
            try:
                yield executor
            finally:
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
            running = await self._in_thread(lambda: starting.begin(order, self._means))
        except (OSError, ValueError) as error:
            log.warning("attempt_not_started", attempt=str(attempt), error=str(error))
            self._tell(ending.start_failed(attempt, str(error), now=self._clock.now()))
        else:
            self._watch(running)
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

    async def reports(self) -> AsyncIterator[Report]:
        """As `Executor.reports`."""
        while True:
            yield await self._reports.get()

    def leave(self) -> None:
        """Watch no more; what runs goes on."""
        for running in self._running.values():
            running.forget_timers()
            self._let_go(running)
        self._running.clear()

    def _watch(self, running: Running) -> None:
        attempt = running.order.attempt
        self._tell(Started(attempt, self._time(running.started_at)))
        self._running[attempt] = running
        if running.shim is None:
            self._tasks.create_task(self._conclude(running))
            return
        self._loop.add_reader(running.shim.pidfd, self._ended, running)
        if running.cause is not None:
            self._kill_after_grace(running)
        elif attempt in self._stopped:
            self._end(running, EndReason.CANCELLED)
        else:
            self._later(running, running.remaining_s, lambda: self._end(running, EndReason.TIMEOUT))

    def _end(self, running: Running, cause: EndReason) -> None:
        """TERM, its grace, KILL; the first cause counts."""
        if running.cause is None:
            running.cause = cause
            running.forget_timers()
            self._kill_after_grace(running)
            running.ask_to_end()

    def _kill_after_grace(self, running: Running) -> None:
        self._later(running, running.order.grace.total_seconds(), running.kill)

    def _later(self, running: Running, seconds: float, action: Callable[[], None]) -> None:
        running.timers.append(self._loop.call_later(max(0, seconds), action))

    def _ended(self, running: Running) -> None:
        """Its shim did; called once."""
        assert running.shim is not None
        self._loop.remove_reader(running.shim.pidfd)
        running.forget_timers()
        self._tasks.create_task(self._conclude(running))

    async def _conclude(self, running: Running) -> None:
        now = self._clock.now()
        ended = await self._in_thread(lambda: concluding.conclude(running, now=now.timestamp()))
        del self._running[running.order.attempt]
        self._let_go(running)
        self._tell(ending.report(running.order.attempt, ended, now=now))

    def _let_go(self, running: Running) -> None:
        if running.shim is not None:
            self._loop.remove_reader(running.shim.pidfd)
            os.close(running.shim.pidfd)

    def _tell(self, report: Report) -> None:
        self._reports.put_nowait(report)

    def _time(self, at: float | None) -> datetime:
        return self._clock.now() if at is None else datetime.fromtimestamp(at, UTC)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        return await self._loop.run_in_executor(self._pool, call)
