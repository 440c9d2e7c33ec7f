"""Attempts for an executor, with the folders that `AttemptFiles.prepare` makes, and a way to follow its reports."""

from __future__ import annotations

import asyncio
import os
import select
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.local import control, processes
from scheduler.local.census import Census
from scheduler.ports import Executor, Mount, Order, Owner
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
    node: str = "here"
    cpu_millicores: int = 1000
    in_pods: bool = False
    """They are told what they see of the folder, and who they are."""

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
        """An attempt at a new task; the n-th order of another house over the same folder is the same again."""
        self.count += 1
        attempt = AttemptId(TaskId(JobId(self.count), "main", 0), 1)
        owner = self.owner if owner is None else owner
        stage = StageSpec(name="main", run=run)
        folder, work = self.base / f"control/{self.count}", self.base / f"scratch/{self.count}"
        text = render(stage, cell(stage, 0))
        if not folder.exists():
            _lay_out(folder, work, owner)
            (folder / "script.sh").write_text(text)
            (folder / "script.sh").chmod(0o755)
            if self.in_pods:
                (folder / "passwd").write_text(f"ada:x:{owner.uid}:{owner.gid}:ada:{work}/home:/bin/sh\n")
        return Order(
            attempt=attempt,
            project="lens",
            node=self.node,
            image=None,
            request=Resources(self.cpu_millicores, memory_bytes, gpus=len(gpu_ids)),
            gpu_ids=gpu_ids,
            timeout=timedelta(seconds=timeout_s),
            grace=timedelta(seconds=grace_s),
            script=text,
            environment={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "USER": "ada",
                "TOVI_CODE": "",
                "TOVI_OUT": str(folder / "outputs"),
                "TOVI_SCRATCH": str(work),
                **(environment or {}),
            },
            owner=owner,
            control=folder,
            work=work,
            log_limit_bytes=log_limit_bytes,
            mounts=_mounts(folder) if self.in_pods else (),
            passwd=folder / "passwd" if self.in_pods else None,
        )


def _mounts(folder: Path) -> tuple[Mount, ...]:
    return (Mount(folder), *(Mount(folder / own, writable=True) for own in ("outputs", "stdout.log", "stderr.log")))


def _lay_out(folder: Path, work: Path, owner: Owner) -> None:
    for path in (folder, folder / "outputs", work, work / "work", work / "home", work / "tmp"):
        path.mkdir(parents=True)
    for log in ("stdout.log", "stderr.log"):
        (folder / log).touch()
    if owner.uid is not None:
        for path in (folder / "outputs", folder / "stdout.log", folder / "stderr.log", work, *work.iterdir()):
            os.chown(path, owner.uid, -1 if owner.gid is None else owner.gid)


def shim_pid(order: Order) -> int:
    """Of an attempt that has just been started, or was."""
    until = time.monotonic() + DEADLINE_S
    while (claim := control.read_claim(order.control)) is None:
        assert time.monotonic() < until, "nobody claimed it"
        time.sleep(0.005)
    return claim.pid


def left_of(order: Order) -> list[int]:
    """The pids of all that still runs of an attempt, whatever session it is in."""
    claim = control.read_claim(order.control)
    sessions = {} if claim is None else {claim.pid: order.work}
    return [one.pid for one in Census().take([order], sessions=sessions).get(order.work, ())]


def wait_for_end(pid: int) -> None:
    """Until a process ended, whoever's child it is."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        poll = select.poll()
        poll.register(pidfd, select.POLLIN)
        assert poll.poll(DEADLINE_S * 1000), f"process {pid} did not end"
    finally:
        os.close(pidfd)


def wait_until_it_sleeps(pid: int) -> None:
    """Until a process waits for something."""
    until = time.monotonic() + DEADLINE_S
    while (found := processes.process(pid)) is None or found.state != "S":
        assert time.monotonic() < until, f"process {pid} waits for nothing"
        time.sleep(0.005)


async def all_ended(order: Order) -> None:
    """Until nothing runs of an attempt that was ended: what gets a KILL still takes its moment."""
    for pid in left_of(order):
        await asyncio.to_thread(wait_for_end, pid)
    assert not left_of(order)


async def said(order: Order, text: str, *, log: str = "stdout.log") -> None:
    """Until a program said something in its log."""
    async with asyncio.timeout(DEADLINE_S):
        while text not in (order.control / log).read_text():
            await asyncio.sleep(0.01)


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
                await self.news()

    async def news(self) -> None:
        """Until something more is told."""
        async with asyncio.timeout(DEADLINE_S):
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
