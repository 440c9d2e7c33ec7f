"""The scheduler process: the loop over an executor, once it is the one that leads."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Final

import structlog

from scheduler.loop import Loop
from scheduler.policies.watch import PolicyWatch
from tovi_server.app import executors
from tovi_server.app.foundations import Foundations, open_foundations
from tovi_server.app.leading import leading
from tovi_server.app.link import Link
from tovi_server.app.start import Start
from tovi_server.core.errors import NotFoundError, UnavailableError
from tovi_server.core.ids import JobId
from tovi_server.core.job import Frozen
from tovi_server.files.attempts import AttemptFolders
from tovi_server.files.sweep import sweep
from tovi_server.store.jobs import JobStore

log = structlog.get_logger(__name__)

_THREADS: Final = 16
"""They lay out and seal, which is waiting for a disk: more than the few that a small machine gets by default."""
_SWEEP_INTERVAL: Final = timedelta(hours=1)
_KEPT: Final = timedelta(hours=24)
"""Of what clients left unfinished."""


async def run(start: Start, link: Link) -> None:
    """Schedule until told to end. Jobs go on without it."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(_THREADS, "files"))
    async with open_foundations(start.data, start.settings) as base, leading(base, link) as queue:
        if queue is not None:
            await _schedule(base, queue, link)


async def _schedule(base: Foundations, queue: JobStore, link: Link) -> None:
    async with (
        executors.open_executor(base, freed=lambda: loop.wake()) as executor,
        asyncio.TaskGroup() as group,
    ):
        policies = PolicyWatch(base.policy_file, check=lambda policies: loop.check(policies))
        loop = Loop(
            queue=queue,
            files=_attempt_files(base),
            executor=executor,
            policies=policies.current,
            clock=base.clock,
            interval=base.settings.scheduler.interval,
            told=base.bell.ring,
            starts=executors.starts(base.settings.executor),
        )
        works = (
            loop.run(),
            policies.run(),
            base.listen(loop.wake),
            base.watch_database(),
            _sweep_for_ever(base),
        )
        tasks = [group.create_task(work) for work in works]
        with suppress(UnavailableError):  # a cluster may be away for a while
            await queue.record_nodes(await executor.nodes(), now=base.clock.now())
        link.ready()
        link.leading()
        await link.told_to_end()
        for task in tasks:
            task.cancel()


def _attempt_files(base: Foundations) -> AttemptFolders:
    async def frozen(job: JobId) -> Frozen:
        found = await base.jobs.frozen(job)
        if found is None:
            raise NotFoundError(f"there is no job {job}")
        return found

    rules = executors.rules(base.settings.executor)
    return AttemptFolders(base.data, frozen=frozen, owner=executors.owners(base), rules=rules)


async def _sweep_for_ever(base: Foundations) -> None:
    while True:
        try:
            removed = await asyncio.to_thread(sweep, base.data, before=base.clock.now() - _KEPT)
            log.info("leftovers_swept", removed=removed)
        except OSError as error:
            log.warning("sweep_failed", why=error.strerror)
        await asyncio.sleep(_SWEEP_INTERVAL.total_seconds())
