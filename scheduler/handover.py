"""Hands attempts that are recorded as under way to the executor, has them stopped, and tries again what failed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Final

import structlog

from scheduler.crew import Crew, Width
from scheduler.ports import AttemptFiles, Clock, Executor
from scheduler.reconcile import Charge, Phase, Steps, reconcile
from scheduler.snapshot import Active
from tovi_server.core.errors import ToviError, UnavailableError
from tovi_server.core.events import Delayed, End, Exited, Report
from tovi_server.core.ids import AttemptId
from tovi_server.core.reasons import EndReason

log = structlog.get_logger(__name__)

_STOPS: Final = Width(in_all=8, of_a_stage=8)
_MOST_TRIES: Final = 5
"""After this many errors that nobody foresaw, an attempt that surely does not run has failed to start."""


class Handover:
    """Knows of every attempt under way how far it is; preparing and starting happen a few at a time."""

    def __init__(
        self,
        *,
        files: AttemptFiles,
        executor: Executor,
        clock: Clock,
        starts: Width,
        tell: Callable[[Report], None],
    ) -> None:
        """`starts` of a stage at once: what its tasks share is laid out by the first while the others wait.

        `tell` is called for attempts that end without having started, or cannot start yet.
        """
        self._files = files
        self._executor = executor
        self._clock = clock
        self._tell = tell
        self._charges: dict[AttemptId, Charge] = {}
        self._starts = Crew(self._hand_over, starts)
        self._stops = Crew(self._stop, _STOPS)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._starts.run())
            group.create_task(self._stops.run())

    def add(self, dispatched: Sequence[Active]) -> None:
        """Attempts that were just recorded, and that nobody has started."""
        self._charge(dispatched, may_run=False)

    def tend(self, active: Sequence[Active]) -> None:
        """Do what is due for the attempts that the store believes to be under way."""
        self._believe(active)
        steps = reconcile(active, self._charges, now=self._clock.now())
        self._forget(steps)
        self._charge(steps.new, may_run=True)
        for attempt in steps.hand_over:
            self._starts.ask(attempt)
        for attempt in steps.stop:
            self._stops.ask(attempt)
        for attempt in steps.cancel:
            self._end(attempt, EndReason.CANCELLED)

    @property
    def ended(self) -> frozenset[AttemptId]:
        """Those whose end is known, and is being recorded."""
        return frozenset(attempt for attempt, charge in self._charges.items() if charge.phase is Phase.ENDED)

    def heard(self, report: Report) -> bool:
        """Note what a report says. False: it is stale or doubled, and says nothing new."""
        charge = self._charges.get(report.attempt)
        if charge is None or charge.phase is Phase.ENDED:
            return False
        if isinstance(report, End):
            self._set(replace(charge, phase=Phase.ENDED))
        return True

    def _believe(self, active: Iterable[Active]) -> None:
        for one in active:
            charge = self._charges.get(one.attempt)
            if charge is not None:
                self._set(replace(charge, active=one))

    def _forget(self, steps: Steps) -> None:
        for attempt in steps.forget:
            del self._charges[attempt]

    def _charge(self, attempts: Iterable[Active], *, may_run: bool) -> None:
        for active in attempts:
            self._set(Charge(active, may_run=may_run))
            self._starts.ask(active.attempt)

    def _set(self, charge: Charge) -> None:
        self._charges[charge.active.attempt] = charge

    def _end(self, attempt: AttemptId, reason: EndReason, message: str = "") -> None:
        exited = Exited(attempt, self._clock.now(), reason, exit_code=None, message=message)
        if self.heard(exited):
            self._tell(exited)

    async def _hand_over(self, attempt: AttemptId) -> None:
        if not self._is(attempt, Phase.WAITING):
            return
        self._set(replace(self._charges[attempt], phase=Phase.PREPARING))
        try:
            await self._start(attempt)
        except UnavailableError as error:
            log.warning("attempt_not_started_yet", attempt=str(attempt), why=error.in_one_line)
            self._delayed(attempt, error.in_one_line)
            self._again_later(attempt)
        except ToviError as error:
            self._end(attempt, EndReason.START_FAILED, error.in_one_line)
        except Exception as error:  # of one attempt: it is tried again, or given up
            log.exception("attempt_not_started", attempt=str(attempt))
            self._again_or_never(attempt, error)

    async def _start(self, attempt: AttemptId) -> None:
        order = await self._files.prepare(self._charges[attempt].active)
        if not self._is(attempt, Phase.PREPARING):
            return
        charge = self._charges[attempt]
        if charge.active.cancel_requested and not charge.may_run:
            self._end(attempt, EndReason.CANCELLED)
            return
        self._set(replace(charge, may_run=True))
        await self._executor.start(order)
        if self._is(attempt, Phase.PREPARING):
            self._handed(attempt)

    def _handed(self, attempt: AttemptId) -> None:
        charge = replace(self._charges[attempt], phase=Phase.HANDED, tries=0)
        self._set(charge)
        if charge.active.cancel_requested:
            self._stops.ask(attempt)

    def _delayed(self, attempt: AttemptId, message: str) -> None:
        charge = self._charges.get(attempt)  # it may have ended meanwhile, and been recorded
        if charge is not None and charge.phase is Phase.PREPARING and charge.delayed_by != message:
            self._set(replace(charge, delayed_by=message))
            self._tell(Delayed(attempt, self._clock.now(), message))

    def _again_later(self, attempt: AttemptId) -> None:
        if self._is(attempt, Phase.PREPARING):
            self._set(self._charges[attempt].after_failure(self._clock.now()))

    def _again_or_never(self, attempt: AttemptId, error: Exception) -> None:
        """Only what surely does not run may be given up: of two tries at a task one at most may run."""
        self._again_later(attempt)
        charge = self._charges.get(attempt)
        if charge is not None and charge.tries >= _MOST_TRIES and not charge.may_run:
            self._end(attempt, EndReason.START_FAILED, f"{type(error).__name__}: {error}")

    async def _stop(self, attempt: AttemptId) -> None:
        if not self._is(attempt, Phase.HANDED):
            return
        try:
            await self._executor.stop(attempt)
        except Exception:  # it is tried again with the next look at what is under way
            log.exception("attempt_not_stopped", attempt=str(attempt))

    def _is(self, attempt: AttemptId, phase: Phase) -> bool:
        charge = self._charges.get(attempt)
        return charge is not None and charge.phase is phase
