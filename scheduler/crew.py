"""A few at a time: runs one kind of work for many attempts, each at most once at a time."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
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
    """Works on what it was asked for: stages take turns, of one in the order of asking, and never on too many of one.

    What waits is looked at by stages, of which few can be at their width: a wide array costs no more than one task.
    """

    def __init__(self, work: Callable[[AttemptId], Awaitable[None]], width: Width) -> None:
        """`work` deals with its own errors: what it raises ends `run`."""
        self._work = work
        self._width = width
        self._waiting: dict[StageKey, OrderedDict[AttemptId, None]] = {}
        self._busy: set[AttemptId] = set()
        self._busy_of: Counter[StageKey] = Counter()
        self._group: asyncio.TaskGroup | None = None

    def ask(self, attempt: AttemptId) -> None:
        """Have it worked on; nothing happens when it waits already, or is under work."""
        if attempt not in self._busy:
            self._waiting.setdefault(_stage(attempt), OrderedDict())[attempt] = None
            self._begin()

    async def run(self) -> None:
        """Until cancelled. What was asked for before has waited."""
        async with asyncio.TaskGroup() as self._group:
            self._begin()
            await asyncio.get_running_loop().create_future()

    def _begin(self) -> None:
        if self._group is None:
            return
        while len(self._busy) < self._width.in_all and (stage := self._next_stage()) is not None:
            attempt = self._take_from(stage)
            self._busy.add(attempt)
            self._busy_of[stage] += 1
            self._group.create_task(self._do(attempt))

    def _next_stage(self) -> StageKey | None:
        return next((one for one in self._waiting if self._busy_of[one] < self._width.of_a_stage), None)

    def _take_from(self, stage: StageKey) -> AttemptId:
        """The first that waits; the stage's next turn comes after those of the others."""
        waiting = self._waiting.pop(stage)
        attempt, _ = waiting.popitem(last=False)
        if waiting:
            self._waiting[stage] = waiting
        return attempt

    async def _do(self, attempt: AttemptId) -> None:
        try:
            await self._work(attempt)
        finally:
            self._busy.remove(attempt)
            self._busy_of -= Counter([_stage(attempt)])
        self._begin()


def _stage(attempt: AttemptId) -> StageKey:
    return attempt.task.job, attempt.task.stage
