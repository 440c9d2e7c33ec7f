"""The line under a list of jobs: the one under the cursor in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from textual.timer import Timer

from tovi_server.core.ids import parse_reference
from tovi_server.core.views import JobView
from tovi_tui.screens import on_jobs
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import jobs

REST_S: Final = 0.4
"""The cursor rests: then it is asked why its job is as it is."""


class Foot:
    """Follows the cursor, and says nothing anew that it has said."""

    def __init__(self, screen: ToviScreen, current: Callable[[], JobView | None]) -> None:
        self._screen = screen
        self._current = current
        self._told: JobView | None = None
        self._rest: Timer | None = None

    def follow(self) -> None:
        """The cursor is on another job, or the job has changed; else what stands there stays."""
        job = self._current()
        if job == self._told:
            return
        self._told = job
        self._stop()
        self._screen.say(*(jobs.told(job) if job else ()))
        if job and job.ended_at is None:
            self._rest = self._screen.set_timer(REST_S, partial(self._ask_why, job))

    def say_fetch(self, job: JobView) -> None:
        """Instead, what to type for its results."""
        self._stop()
        on_jobs.say_fetch(self._screen, job)

    def _stop(self) -> None:
        if self._rest is not None:
            self._rest.stop()

    def _ask_why(self, job: JobView) -> None:
        self._screen.work(partial(self._why, job), busy="", group="why")

    async def _why(self, job: JobView) -> None:
        why = await self._screen.manager.why(parse_reference(str(job.id)))
        if job == self._current() and why.reasons:
            reasons = " · ".join(reason.message for reason in why.reasons)
            self._screen.say(f" {job.id} {job.name} · ", reasons)
