"""People whose jobs are judged when all have ended: by what Tovi shows, and by what their programs did."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from tests import waiting
from tests.cluster.faults.ground import PodGround
from tests.integration.faults.aftermath import read_history, stories
from tests.integration.faults.client import Client
from tests.integration.faults.load import Load
from tests.integration.faults.program import Kind
from tests.integration.history import History, problems
from tests.live import Live

DEADLINE_S: Final = 90
LONG: Final = Kind(lines=300, pause="0.5")
KINDS: Final = (Kind(tasks=5, lines=2), Kind(lines=2, first_code=7), Kind(tries=2, lines=1, first_code=3))
"""Beside a long one, which is cancelled."""
_NOT_PLAIN: Final = re.compile(r"[^a-z0-9]+")


@dataclass
class People:
    load: Load
    ends: Sequence[str] = ()
    """How their jobs ended, once they are judged."""
    _numbers: Iterator[int] = field(default_factory=count)

    async def submit(self, kind: Kind) -> int:
        """The id of a job that was taken."""
        async with _client(self.load.live) as client:
            job = await self.load.submit(client, kind, f"{self.load.name}-{next(self._numbers)}")
        assert job is not None, self.load.refusals
        return job

    async def cancel(self, job: int) -> None:
        async with _client(self.load.live) as client:
            await self.load.cancel(client, job)

    async def running(self, job: int) -> None:
        """Until the program of its first task has begun."""
        await eventually(lambda: f"start {job}.main.0 1 " in self.load.ground.truth)

    async def told(self, job: int, words: str) -> None:
        """Until they are told this of why it waits."""
        try:
            await eventually(lambda: words in self.why(job))
        except AssertionError as error:
            error.add_note(self.why(job))
            raise

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """Jobs of each kind come in while the block runs, and go on after it."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._cancel_one())
            group.create_task(self._submit_some())
            yield

    async def _cancel_one(self) -> None:
        job = await self.submit(LONG)
        await self.running(job)
        await self.cancel(job)

    async def _submit_some(self) -> None:
        for kind in KINDS:
            await self.submit(kind)

    async def judge(self) -> None:
        """When all their jobs have ended."""
        history = of(self.load, await read_history(self.load))
        found = [*problems(history), *self.load.refusals]
        assert not found, found
        self.ends = [job.state for job in sorted(history.jobs, key=lambda job: job.id)]

    def assert_ends(self) -> None:
        """Of who was at work, one job fails, one is cancelled, and all others succeed, as they should."""
        first, second, *others = sorted(self.ends)
        assert (first, second, {*others}) == ("cancelled", "failed", {"succeeded"}), self.ends

    async def stories(self) -> str:
        """What is known of jobs that have not ended."""
        async with _client(self.load.live) as client:
            return await stories(client)

    def why(self, job: int) -> str:
        return self.load.live.ssh("why", str(job)).out.decode()


def some_people(live: Live, ground: PodGround, name: str) -> People:
    return People(Load(live, ground, random.Random(0), _NOT_PLAIN.sub("-", name.lower())))


def of(load: Load, history: History) -> History:
    """What of all that happened is about the jobs of these people."""
    ids = {submit.job for submit in load.submits}
    return replace(
        history,
        truth=[mark for mark in history.truth if int(mark.task.partition(".")[0]) in ids],
        jobs=[job for job in history.jobs if job.id in ids],
        events=[event for event in history.events if event.job in ids],
        logs={place: text for place, text in history.logs.items() if int(place[0].partition(".")[0]) in ids},
    )


async def eventually(holds: Callable[[], bool]) -> None:
    await asyncio.to_thread(waiting.eventually, holds, deadline_s=DEADLINE_S)


@asynccontextmanager
async def _client(live: Live) -> AsyncIterator[Client]:
    client = Client(live)
    try:
        yield client
    finally:
        await client.close()
