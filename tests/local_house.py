"""Attempts for an executor, with the folders that `AttemptFiles.prepare` makes, and a way to follow its reports."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.ports import Executor, Order, Owner
from tovi_server.core.events import Exited, Lost, Report, Started
from tovi_server.core.expand import cell
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.resources import MIB, Resources
from tovi_server.core.script import render
from tovi_server.core.spec import StageSpec

DEADLINE_S = 30


class WallClock:
    def now(self) -> datetime:
        return datetime.now(UTC)  # noqa: TID251  # the composition root here


@dataclass
class House:
    """Lays out attempts beneath a folder."""

    base: Path
    owner: Owner = Owner(None, None)
    count: int = 0

    def order(
        self,
        run: str,
        *,
        timeout_s: float = 60,
        grace_s: float = 20,
        memory_bytes: int = 256 * MIB,
        log_limit_bytes: int = MIB,
        gpu_ids: tuple[int, ...] = (),
        environment: Mapping[str, str] | None = None,
        owner: Owner | None = None,
    ) -> Order:
        """An attempt at a new task."""
        self.count += 1
        attempt = AttemptId(TaskId(JobId(self.count), "main", 0), 1)
        owner = self.owner if owner is None else owner
        stage = StageSpec(name="main", run=run)
        control, work = self.base / f"control/{self.count}", self.base / f"scratch/{self.count}"
        _lay_out(control, work, owner)
        text = render(stage, cell(stage, 0))
        script = control / "script.sh"
        script.write_text(text)
        script.chmod(0o755)
        return Order(
            attempt=attempt,
            node="here",
            request=Resources(cpu_millicores=1000, memory_bytes=memory_bytes, gpus=len(gpu_ids)),
            gpu_ids=gpu_ids,
            timeout=timedelta(seconds=timeout_s),
            grace=timedelta(seconds=grace_s),
            script=text,
            environment={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "USER": "ada",
                "TOVI_CODE": "",
                "TOVI_OUT": str(control / "outputs"),
                "TOVI_SCRATCH": str(work),
                **(environment or {}),
            },
            owner=owner,
            control=control,
            work=work,
            log_limit_bytes=log_limit_bytes,
        )


def _lay_out(control: Path, work: Path, owner: Owner) -> None:
    for path in (control, control / "outputs", work, work / "work", work / "home", work / "tmp"):
        path.mkdir(parents=True)
    for log in ("stdout.log", "stderr.log"):
        (control / log).touch()
    if owner.uid is not None:
        for path in (control / "outputs", control / "stdout.log", control / "stderr.log", work, *work.iterdir()):
            os.chown(path, owner.uid, -1 if owner.gid is None else owner.gid)


@dataclass
class Follower:
    """Collects an executor's reports."""

    executor: Executor
    heard: list[Report] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self) -> None:
        async for report in self.executor.reports():
            self.heard.append(report)
            self._news.set()

    async def end(self, order: Order) -> Exited | Lost:
        """The first end of an attempt that is told."""
        return await self._first(order, Exited | Lost)

    async def started(self, order: Order) -> Started:
        return await self._first(order, Started)

    async def _first(self, order: Order, kind):  # type: ignore[no-untyped-def]  # gives what it is asked for
        async with asyncio.timeout(DEADLINE_S):
            while True:
                for report in self.heard:
                    if report.attempt == order.attempt and isinstance(report, kind):
                        return report
                self._news.clear()
                await self._news.wait()


@asynccontextmanager
async def following(executor: Executor) -> AsyncIterator[Follower]:
    follower = Follower(executor)
    task = asyncio.create_task(follower.run())
    try:
        yield follower
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
