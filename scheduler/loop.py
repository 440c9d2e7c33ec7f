"""The scheduler at work: a tick loads, plans and applies; between ticks reports come in and attempts are started.

Whatever a tick decides is recorded before anybody acts on it, and whatever is recorded is acted on, by this
scheduler or the next: attempts that the store believes to be under way are handed over until the executor has
them. Only one scheduler may run at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Final

from scheduler.crew import Width
from scheduler.handover import Handover
from scheduler.outage import Outage
from scheduler.picture import Picture
from scheduler.plan import Plan, plan
from scheduler.planning import plan_anyway
from scheduler.policies.protocols import Policies
from scheduler.ports import AttemptFiles, Clock, Executor, Queue
from scheduler.recorder import Recorder
from scheduler.snapshot import Node, Snapshot
from tovi_server.core.errors import InvariantError, ToviError
from tovi_server.core.events import End
from tovi_server.core.ids import AttemptId

_RECORD_NODES_EVERY: Final = timedelta(seconds=5)


class Loop:
    """One scheduler."""

    def __init__(
        self,
        *,
        queue: Queue,
        files: AttemptFiles,
        executor: Executor,
        policies: Callable[[], Policies],
        clock: Clock,
        interval: timedelta,
        told: Callable[[], None],
        starts: Width,
    ) -> None:
        """`told` is called after anything was recorded or dispatched."""
        self._queue = queue
        self._executor = executor
        self._policies = policies
        self._clock = clock
        self._interval = interval
        self._told = told
        self._recorder = Recorder(queue=queue, files=files, clock=clock, recorded=self._after_record)
        self._handover = Handover(files=files, executor=executor, clock=clock, starts=starts, tell=self._recorder.take)
        self._one_at_a_time = asyncio.Lock()
        self._woken = asyncio.Event()
        self._adopted = asyncio.Event()
        self._outage = Outage("what a tick needs")
        self._outage_told: str | None = None
        """None: what an earlier scheduler told, if any did."""
        self._picture = Picture(queue)
        self._snapshot = Snapshot((), (), ())
        self._planned_for: tuple[tuple[Node, ...], Policies, frozenset[AttemptId]] | None = None
        """None: something happened since the last plan."""
        self._recorded: tuple[Node, ...] | None = None
        self._recorded_at = clock.now()

    def wake(self) -> None:
        """A hint that something changed; from within the loop's thread. Several are one."""
        self._woken.set()

    async def run(self) -> None:
        """Until cancelled: ticks at the interval and when woken, and brings in what the executor reports.

        Raises whatever is neither a ToviError nor of one attempt: then this process must end.
        """
        async with asyncio.TaskGroup() as group:
            group.create_task(self._handover.run())
            group.create_task(self._recorder.run())
            group.create_task(self._listen())
            group.create_task(self._tick_for_ever())

    async def tick(self) -> None:
        """Load, plan, apply: once. What cannot be done now is left for the next; nothing changed costs nothing."""
        self._recorder.retry()
        try:
            async with self._one_at_a_time:
                await self._look()
        except ToviError as error:
            self._outage.failed(error)
            await self._tell_outage(error.in_one_line)
        else:
            self._outage.worked()
            await self._tell_outage("")

    async def _tell_outage(self, why: str) -> None:
        """Why nothing can be started now, to people who wait; empty: it can."""
        if why == self._outage_told:
            return
        with suppress(ToviError):  # the queue itself may be what is away
            await self._queue.record_outage(why, now=self._clock.now())
            self._outage_told = why

    async def check(self, policies: Policies) -> None:
        """Plan the present picture with other policies, without acting on it; raises what they raise."""
        plan(self._snapshot, policies)

    async def _look(self) -> None:
        nodes, policies = await self._nodes(), self._policies()
        if await self._picture.catch_up():
            self._planned_for = None
        self._handover.tend(self._picture.active)
        await self._executor.tend(frozenset(one.attempt for one in self._picture.active))
        self._adopted.set()
        # Room is free as soon as the executor says so; but while ends cannot be recorded, no pile of them is made.
        ended = self._handover.ended - self._recorder.troubled
        if (nodes, policies, ended) != self._planned_for:
            self._snapshot = self._picture.snapshot(nodes, ended)
            await self._dispatch(plan_anyway(self._snapshot, policies))
            self._planned_for = (nodes, policies, ended)

    async def _nodes(self) -> tuple[Node, ...]:
        """The machines; they are also recorded, now and then and when they change."""
        nodes, now = await self._executor.nodes(), self._clock.now()
        if nodes != self._recorded or now - self._recorded_at >= _RECORD_NODES_EVERY:
            await self._queue.record_nodes(nodes, now=now)
            self._recorded, self._recorded_at = nodes, now
        return nodes

    async def _dispatch(self, decided: Plan) -> None:
        if decided.placements:
            self._handover.add(await self._queue.dispatch(decided.placements, now=self._clock.now()))
            self._told()

    async def _listen(self) -> None:
        """Reports are only understood once it is known what is under way."""
        await self._adopted.wait()
        async for report in self._executor.reports():
            if self._handover.heard(report):
                self._recorder.take(report)
                if isinstance(report, End):
                    self.wake()
        raise InvariantError("the executor reports no more")

    def _after_record(self, anything_ended: bool) -> None:
        self._told()
        if anything_ended:
            self.wake()

    async def _tick_for_ever(self) -> None:
        while True:
            self._woken.clear()
            await self.tick()
            try:
                async with asyncio.timeout(self._interval.total_seconds()):
                    await self._woken.wait()
            except TimeoutError:
                continue
