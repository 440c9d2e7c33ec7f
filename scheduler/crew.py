"""A few at a time: runs one kind of work for many attempts, each at most once at a time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tovi_server.core.ids import AttemptId, JobId

StageKey = tuple[JobId, str]


@dataclass(frozen=True, slots=True)
class Width:
    """How many attempts are worked on at once. Those of one stage must leave room for others."""

    in_all: int
    of_a_stage: int


class Crew:
    """Works on what it was asked for, in that order, but never on too many attempts of one stage."""

    def __init__(self, work: Callable[[AttemptId], Awaitable[None]], width: Width) -> None:
        """`work` deals with its own errors: what it raises ends `run`."""
        self._work = work
        self._width = width
        self._waiting: dict[AttemptId, None] = {}
        self._busy: set[AttemptId] = set()
        self._busy_of: Counter[StageKey] = Counter()
        self._group: asyncio.TaskGroup | None = None

    def ask(self, attempt: AttemptId) -> None:
        """Have it worked on; nothing happens when it waits already, or is under work."""
        if attempt not in self._busy:
            self._waiting[attempt] = None
            self._begin()

    async def run(self) -> None:
        """Until cancelled. What was asked for before has waited."""
        async with asyncio.TaskGroup() as self._group:
            self._begin()
            await asyncio.get_running_loop().create_future()

    def _begin(self) -> None:
        if self._group is None:
            return
        while len(self._busy) < self._width.in_all and (attempt := self._next()) is not None:
            del self._waiting[attempt]
            self._busy.add(attempt)
            self._busy_of[_stage(attempt)] += 1
            self._group.create_task(self._do(attempt))

    def _next(self) -> AttemptId | None:
        return next((one for one in self._waiting if self._busy_of[_stage(one)] < self._width.of_a_stage), None)

    async def _do(self, attempt: AttemptId) -> None:
        try:
            await self._work(attempt)
        finally:
            self._busy.remove(attempt)
            self._busy_of -= Counter([_stage(attempt)])
        self._begin()


def _stage(attempt: AttemptId) -> StageKey:
    return attempt.task.job, attempt.task.stage
