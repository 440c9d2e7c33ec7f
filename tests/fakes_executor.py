"""An executor without processes: programs are `exit N` and `sleep N`, perhaps after `echo ran`."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from scheduler.ports import Clock, Executor, Order
from scheduler.snapshot import Node
from tovi_server.core.events import Exited, Report, Started
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import GIB, Resources

_PROGRAM: Final = re.compile(r"tovi_run sh -c -- '(?:echo ran; )?(exit|sleep) ([0-9]+)'")


@dataclass
class FakeMachine:
    """What outlives executors: which attempts ran, and how they ended."""

    runs: dict[AttemptId, int] = field(default_factory=dict)
    ends: dict[AttemptId, Exited] = field(default_factory=dict)

    @asynccontextmanager
    async def open(self, clock: Clock) -> AsyncIterator[Executor]:
        executor = FakeExecutor(self, clock)
        try:
            yield executor
        finally:
            executor.leave()


class FakeExecutor:
    """`Executor` over a fake machine."""

    def __init__(self, machine: FakeMachine, clock: Clock) -> None:
        self._machine = machine
        self._clock = clock
        self._reports: asyncio.Queue[Report] = asyncio.Queue()
        self._timers: dict[AttemptId, asyncio.TimerHandle] = {}

    async def nodes(self) -> tuple[Node, ...]:
        return (Node("here", Resources(cpu_millicores=4000, memory_bytes=8 * GIB)),)

    async def start(self, order: Order) -> None:
        attempt = order.attempt
        if attempt in self._timers:
            return
        if any("\0" in value for value in order.environment.values()):
            self._reports.put_nowait(Exited(attempt, self._clock.now(), EndReason.START_FAILED, None, "a NUL byte"))
            return
        self._machine.runs.setdefault(attempt, 1)
        self._reports.put_nowait(Started(attempt, self._clock.now()))
        if attempt in self._machine.ends:
            self._reports.put_nowait(self._machine.ends[attempt])
        else:
            self._run(order)

    async def stop(self, attempt: AttemptId) -> None:
        if attempt in self._timers:
            self._timers[attempt].cancel()
            self._end(attempt, EndReason.CANCELLED, 143)

    async def tend(self, under_way: Collection[AttemptId]) -> None:
        return

    async def reports(self) -> AsyncIterator[Report]:
        while True:
            yield await self._reports.get()

    def leave(self) -> None:
        for timer in self._timers.values():
            timer.cancel()

    def _run(self, order: Order) -> None:
        found = _PROGRAM.search(order.script)
        assert found is not None, "the fake runs only `exit N` and `sleep N`"
        number, limit_s = int(found[2]), order.timeout.total_seconds()
        if found[1] == "exit":
            self._after(0, order.attempt, EndReason.ERROR if number else EndReason.OK, number)
        elif number < limit_s:
            self._after(number, order.attempt, EndReason.OK, 0)
        else:
            self._after(limit_s, order.attempt, EndReason.TIMEOUT, 143)

    def _after(self, seconds: float, attempt: AttemptId, reason: EndReason, code: int) -> None:
        loop = asyncio.get_running_loop()
        self._timers[attempt] = loop.call_later(seconds, self._end, attempt, reason, code)

    def _end(self, attempt: AttemptId, reason: EndReason, code: int) -> None:
        del self._timers[attempt]
        self._machine.ends[attempt] = Exited(attempt, self._clock.now(), reason, code)
        self._reports.put_nowait(self._machine.ends[attempt])
