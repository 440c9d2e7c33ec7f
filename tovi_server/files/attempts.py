"""The folders of attempts: made before one starts, tidied and sealed after it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from weakref import WeakValueDictionary

from scheduler.ports import Order, Owner
from scheduler.snapshot import Active
from tovi_server.core import expand, script
from tovi_server.core.errors import UnavailableError
from tovi_server.core.events import Exited
from tovi_server.core.ids import AttemptId, JobId
from tovi_server.core.job import Frozen
from tovi_server.core.spec import StageSpec
from tovi_server.files import attempt_end, attempt_start, grouping, job_folders, orders
from tovi_server.files.attempt_end import Attempt
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_folders import Surroundings
from tovi_server.files.orders import Rules
from tovi_server.files.recent import Recent


class AttemptFolders:
    """The scheduler's `AttemptFiles` in a data directory on this machine, or mounted on it."""

    def __init__(
        self,
        data: DataDir,
        *,
        frozen: Callable[[JobId], Awaitable[Frozen]],
        owner: Callable[[str, str], Awaitable[Owner]],
        rules: Rules,
    ) -> None:
        """`owner` says whose ids tasks of a project and a user have; it must not change."""
        self._data = data
        self._ask_frozen = frozen
        self._ask_owner = owner
        self._rules = rules
        self._jobs: Recent[JobId, Frozen] = Recent()
        self._owners: Recent[tuple[str, str], Owner] = Recent()
        self._stages: Recent[tuple[JobId, str], Surroundings] = Recent()
        self._laying_out: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def prepare(self, active: Active) -> Order:
        """As `AttemptFiles.prepare`."""
        frozen = await self._frozen(active.attempt.task.job)
        owner = await self._owner(frozen)
        try:
            around = await self._surroundings(frozen, active.attempt.task.stage, owner)
            return await asyncio.to_thread(self._prepare, active, frozen, owner, around)
        except OSError as error:
            raise _unavailable(active.attempt, error) from error

    async def finish(self, exited: Exited) -> Exited:
        """As `AttemptFiles.finish`.

        Raises:
            UnavailableError: the disk did not let it; try again later.
        """
        frozen = await self._frozen(exited.attempt.task.job)
        owner = await self._owner(frozen)
        try:
            return await asyncio.to_thread(self._finish, exited, frozen, owner)
        except OSError as error:
            raise _unavailable(exited.attempt, error) from error

    async def _frozen(self, job: JobId) -> Frozen:
        return self._jobs.get(job) or self._jobs.put(job, await self._ask_frozen(job))

    async def _owner(self, frozen: Frozen) -> Owner:
        key = (frozen.project, frozen.user)
        return self._owners.get(key) or self._owners.put(key, await self._ask_owner(*key))

    async def _surroundings(self, frozen: Frozen, name: str, owner: Owner) -> Surroundings:
        """What the tasks of a stage share, laid out by the first that needs it while the others wait."""
        key = (frozen.id, name)
        known = self._stages.get(key)
        if known is not None:
            return known
        origins = await self._origins(frozen)
        stage = frozen.spec.stage(name)
        async with self._lock(frozen.snapshot or str(frozen.id)):
            known = self._stages.get(key)
            return known or self._stages.put(key, await asyncio.to_thread(self._lay_out, frozen, stage, owner, origins))

    def _lock(self, name: str) -> asyncio.Lock:
        lock = self._laying_out.get(name) or asyncio.Lock()
        self._laying_out[name] = lock
        return lock

    async def _origins(self, frozen: Frozen) -> tuple[JobId, ...]:
        """The jobs that this one reruns, nearest first."""
        found: list[JobId] = []
        while frozen.origin is not None and frozen.origin not in found:
            found.append(frozen.origin)
            frozen = await self._frozen(frozen.origin)
        return tuple(found)

    def _lay_out(self, frozen: Frozen, stage: StageSpec, owner: Owner, origins: tuple[JobId, ...]) -> Surroundings:
        if owner.gid is not None:
            grouping.adopt(self._data, frozen.project, owner.gid)
        job_folders.lay_out_job(self._data, frozen)
        return job_folders.lay_out_stage(self._data, frozen, stage, origins=origins, owner=owner)

    def _prepare(self, active: Active, frozen: Frozen, owner: Owner, around: Surroundings) -> Order:
        task = active.attempt.task
        stage = frozen.spec.stage(task.stage)
        if not attempt_start.is_laid_out(self._data, frozen.project, active.attempt):
            job_folders.need_datasets(self._data, frozen.project, stage)
        text = script.render(stage, expand.cell(stage, task.index))
        passwd = orders.passwd(self._data, active.attempt, frozen.user, owner) if self._rules.in_pods else None
        attempt_start.lay_out(self._data, frozen.project, active.attempt, owner=owner, script=text, passwd=passwd)
        return orders.order(
            self._data, active, frozen=frozen, owner=owner, around=around, script=text, rules=self._rules
        )

    def _finish(self, exited: Exited, frozen: Frozen, owner: Owner) -> Exited:
        stage = frozen.spec.stage(exited.attempt.task.stage)
        env = None if stage.setup is None else job_folders.env_path(self._data, frozen, stage, owner)
        return attempt_end.finish(self._data, Attempt(frozen.project, stage, owner, env), exited)


def _unavailable(attempt: AttemptId, error: OSError) -> UnavailableError:
    return UnavailableError(f"the files of {attempt} are not as they should be", why=error.strerror or str(error))
