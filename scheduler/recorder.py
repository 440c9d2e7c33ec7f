"""Brings reports into the store: ends are looked into first, and what cannot be done now is kept until it can."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

import structlog

from scheduler.crew import Crew, Width
from scheduler.outage import Outage
from scheduler.ports import AttemptFiles, Clock, Queue
from scheduler.reconcile import pause
from tovi_server.core.errors import UnavailableError
from tovi_server.core.events import End, Exited, Report
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

log = structlog.get_logger(__name__)

_BETWEEN_STARTS_S: Final = 0.1
_FINISHES: Final = Width(in_all=8, of_a_stage=4)
_MOST_TRIES: Final = 5


@dataclass(frozen=True, slots=True)
class _Ended:
    """An end that is looked into."""

    exited: Exited
    tries: int = 0
    not_before: datetime | None = None


class Recorder:
    """Never drops a report it took. Ends are finished a few at a time; the rest need not wait for a slow one."""

    def __init__(self, *, queue: Queue, files: AttemptFiles, clock: Clock, recorded: Callable[[bool], None]) -> None:
        """`recorded` is called after every transaction, and told whether anything ended."""
        self._queue = queue
        self._files = files
        self._clock = clock
        self._recorded = recorded
        self._ends: dict[AttemptId, _Ended] = {}
        self._ready: list[Report] = []
        self._wanted = asyncio.Event()
        self._urgent = asyncio.Event()
        self._recorded_at_s = -math.inf
        self._outage = Outage("the queue")
        self._finishing = Crew(self._finish, _FINISHES)

    def take(self, report: Report) -> None:
        """Have it recorded, soon and in order with what the same attempt reported before."""
        if isinstance(report, End):
            self._ends[report.attempt] = _Ended(_as_exit(report))
            self._finishing.ask(report.attempt)
        else:
            self._hand_in(report)

    @property
    def troubled(self) -> frozenset[AttemptId]:
        """Those whose ends could not be looked into at the first try."""
        return frozenset(attempt for attempt, end in self._ends.items() if end.tries)

    def retry(self) -> None:
        """Try again what failed, where its pause is over."""
        now = self._clock.now()
        for attempt, end in self._ends.items():
            if end.not_before is not None and end.not_before <= now:
                self._finishing.ask(attempt)
        self._wanted.set()

    async def run(self) -> None:
        """Until cancelled. What the queue raises but UnavailableError is a bug, and ends it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._finishing.run())
            group.create_task(self._record_for_ever())

    async def _finish(self, attempt: AttemptId) -> None:
        end = self._ends[attempt]
        try:
            exited = await self._files.finish(end.exited)
        except UnavailableError as error:
            log.warning("end_not_finished_yet", attempt=str(attempt), why=error.what)
            self._again_later(end)
            return
        except Exception as error:  # of one end: it is tried again, or told as it is
            log.exception("end_not_finished", attempt=str(attempt))
            if end.tries + 1 < _MOST_TRIES:
                self._again_later(end)
                return
            exited = _unfinished(end.exited, error)
        del self._ends[attempt]
        self._hand_in(exited)

    def _again_later(self, end: _Ended) -> None:
        again_at = self._clock.now() + pause(end.tries)
        self._ends[end.exited.attempt] = replace(end, tries=end.tries + 1, not_before=again_at)

    def _hand_in(self, report: Report) -> None:
        self._ready.append(report)
        self._wanted.set()
        if isinstance(report, End):
            self._urgent.set()

    async def _record_for_ever(self) -> None:
        while True:
            await self._wanted.wait()
            await self._company()
            self._wanted.clear()
            self._urgent.clear()
            if self._ready:
                await self._record()

    async def _company(self) -> None:
        """Right after a transaction mere starts wait a little: of short tasks the ends come soon, and free room."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._recorded_at_s + _BETWEEN_STARTS_S):
                await self._urgent.wait()

    async def _record(self) -> None:
        batch = tuple(self._ready)
        try:
            await self._queue.record(batch)
        except UnavailableError as error:
            self._outage.failed(error)
            return
        del self._ready[: len(batch)]
        self._recorded_at_s = asyncio.get_running_loop().time()
        self._outage.worked()
        self._recorded(any(isinstance(report, End) for report in batch))


def _as_exit(report: End) -> Exited:
    """A lost attempt leaves files too."""
    if isinstance(report, Exited):
        return report
    return Exited(report.attempt, report.at, EndReason.NODE_LOST, exit_code=None, message=report.message)


def _unfinished(exited: Exited, error: Exception) -> Exited:
    """What cannot be looked into by any number of tries must not stay open for ever, nor count as a success."""
    if exited.reason is not EndReason.OK:
        return exited
    message = f"its outputs could not be kept: {type(error).__name__}: {error}"
    return replace(exited, reason=EndReason.ERROR, message=message)
