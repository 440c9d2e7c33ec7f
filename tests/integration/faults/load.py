"""So many submissions a second, and a cancel now and then, with everything that clients were answered written down."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.integration.faults.client import PAUSE_S, Client
from tests.integration.faults.program import AnyGround, Kind
from tests.integration.history import Cancel, Submit
from tests.live import Live
from tests.ssh_edge import Ended

CLIENTS = 6
MOST_WAITING = 60
AFRESH = 0.05
"""Such a part of the submissions comes by the program `ssh`."""
CANCELLED = 0.08
GIVES_UP = 0.2
"""Such a part of the people asks only once, answered or not; the others come back with the same key."""
PATIENCE = 400


@dataclass
class Load:
    """People who submit jobs, and what they remember."""

    live: Live
    ground: AnyGround
    chance: random.Random
    name: str
    """Begins each token."""
    submits: list[Submit] = field(default_factory=list)
    cancels: list[Cancel] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)
    """Answers that nobody who did nothing wrong should get."""
    answered_at: list[float] = field(default_factory=list)
    clients: list[Client] = field(default_factory=list)
    _numbers: int = 0

    @asynccontextmanager
    async def running(self, rate: float) -> AsyncIterator[None]:
        """So many submissions a second while the block runs; all were answered or given up when it is over."""
        waiting: asyncio.Queue[str | None] = asyncio.Queue(MOST_WAITING)
        self.clients = [Client(self.live) for _ in range(CLIENTS)]
        async with asyncio.TaskGroup() as group:
            for client in self.clients:
                group.create_task(self._work(client, waiting))
            arrivals = group.create_task(self._arrive(rate, waiting))
            yield
            arrivals.cancel()
            for _ in self.clients:
                await waiting.put(None)

    async def _arrive(self, rate: float, waiting: asyncio.Queue[str | None]) -> None:
        """Whether the server answers or not; but people do not queue up for ever while it is away."""
        while True:
            self._numbers += 1
            if not waiting.full():
                waiting.put_nowait(f"{self.name}-{self._numbers}")
            await asyncio.sleep(1 / rate)

    async def _work(self, client: Client, waiting: asyncio.Queue[str | None]) -> None:
        while (token := await waiting.get()) is not None:
            kind = self.ground.any_kind(self.chance)
            job = await self.submit(client, kind, token)
            if job is not None and self.chance.random() < CANCELLED:
                await self.cancel(client, job)
        await client.close()

    async def submit(self, client: Client, kind: Kind, token: str) -> int | None:
        """The job's id; None: it was refused, or nobody answered for long."""
        command, spec = f"submit --key {token} --name {token}", self.ground.spec(kind, token)
        ask = client.ask_afresh if self.chance.random() < AFRESH else client.ask
        for _ in range(1 if self.chance.random() < GIVES_UP else PATIENCE):
            started = now()
            answer = await ask(command, spec)
            job = self._job(command, answer)
            ended = None if job is None else now()
            self.submits.append(Submit(token, started, ended, job, tries=kind.tries, prints=kind.lines))
            if answer is not None:
                self.answered_at.append(now())
                return job
            await asyncio.sleep(PAUSE_S)
        return None

    async def cancel(self, client: Client, job: int) -> None:
        started = now()
        answer = await client.ask(f"cancel {job} --json")
        if answer is None or answer.code:
            self._refused(f"cancel {job}", answer)
            self.cancels.append(Cancel(job, started))
        else:
            (done,) = json.loads(answer.out)["items"]
            self.cancels.append(Cancel(job, started, now(), done["did"]))

    def _job(self, command: str, answer: Ended | None) -> int | None:
        if answer is None or answer.code:
            self._refused(command, answer)
            return None
        return int(answer.out)

    def _refused(self, command: str, answer: Ended | None) -> None:
        if answer is not None:
            self.refusals.append(f"{command}: {answer.code} {answer.err.decode(errors='replace')}")


def now() -> float:
    """On the clock by which the server dates its events."""
    return time.clock_gettime(time.CLOCK_REALTIME)
