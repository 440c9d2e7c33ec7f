"""The folders of attempts: made before one starts, tidied and sealed after it ended."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from datetime import timedelta
from threading import Lock
from typing import Final, Generic, TypeVar

from scheduler.ports import Order, Owner
from scheduler.snapshot import Active
from tovi_server.core import expand, script
from tovi_server.core.errors import ToviError, UnavailableError
from tovi_server.core.events import Exited
from tovi_server.core.ids import AttemptId, JobId
from tovi_server.core.job import Frozen
from tovi_server.core.spec import StageSpec
from tovi_server.files import attempt_end, attempt_start, datadir, grouping, job_folders
from tovi_server.files.attempt_end import Attempt
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_folders import Surroundings

_REMEMBERED: Final = 256
_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class _Recent(Generic[Key, Value]):
    """What was needed of late and never changes."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Key, Value] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Key) -> Value | None:
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def put(self, key: Key, value: Value) -> Value:
        with self._lock:
            self._kept[key] = value
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)
            return value


class AttemptFolders:
    """The scheduler's `AttemptFiles` in a data directory on this machine, or mounted on it."""

    def __init__(
        self,
        data: DataDir,
        *,
        frozen: Callable[[JobId], Awaitable[Frozen]],
        owner: Callable[[str, str], Awaitable[Owner]],
        grace: timedelta,
        log_limit_bytes: int,
    ) -> None:
        """`owner` says whose ids tasks of a project and a user have; it must not change."""
        self._data = data
        self._ask_frozen = frozen
        self._ask_owner = owner
        self._grace = grace
        self._log_limit_bytes = log_limit_bytes
        self._frozen_jobs: _Recent[JobId, Frozen] = _Recent()
        self._owners: _Recent[tuple[str, str], Owner] = _Recent()
        self._stages: _Recent[tuple[JobId, str], Surroundings] = _Recent()

    async def prepare(self, active: Active) -> Order:
        """As `AttemptFiles.prepare`."""
        attempt = active.attempt
        frozen = await self._frozen(attempt.task.job)
        owner = await self._owner(frozen)
        origins = await self._origins(frozen) if self._stages.get((frozen.id, attempt.task.stage)) is None else ()
        try:
            return await asyncio.to_thread(self._prepare, active, frozen, owner, origins)
        except OSError as error:
            raise _unavailable(attempt, error) from error

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
        return self._frozen_jobs.get(job) or self._frozen_jobs.put(job, await self._ask_frozen(job))

    async def _owner(self, frozen: Frozen) -> Owner:
        key = (frozen.project, frozen.user)
        return self._owners.get(key) or self._owners.put(key, await self._ask_owner(*key))

    async def _origins(self, frozen: Frozen) -> tuple[JobId, ...]:
        """The jobs that this one reruns, nearest first."""
        found: list[JobId] = []
        while frozen.origin is not None and frozen.origin not in found:
            found.append(frozen.origin)
            frozen = await self._frozen(frozen.origin)
        return tuple(found)

    def _prepare(self, active: Active, frozen: Frozen, owner: Owner, origins: tuple[JobId, ...]) -> Order:
        task = active.attempt.task
        stage = frozen.spec.stage(task.stage)
        around = self._surroundings(frozen, stage, owner, origins)
        job_folders.need_datasets(self._data, frozen.project, stage)
        text = script.render(stage, expand.cell(stage, task.index))
        attempt_start.lay_out(self._data, frozen.project, active.attempt, owner=owner, script=text)
        control = self._data.path(datadir.attempt_path(frozen.project, active.attempt))
        work = self._data.path("scratch", attempt_start.scratch_name(active.attempt))
        environment = {
            "PATH": _PATH,
            "LANG": "C.UTF-8",
            "USER": frozen.user,
            "LOGNAME": frozen.user,
            "TOVI_JOB": str(task.job),
            "TOVI_STAGE": task.stage,
            "TOVI_TASK": str(task),
            "TOVI_ATTEMPT": str(active.attempt.number),
            "TOVI_NODE_RANK": "0",
            "TOVI_NODES": "1",
            "TOVI_MASTER_ADDR": "127.0.0.1",
            "TOVI_GPUS": str(active.request.gpus),
            "TOVI_LOCAL": "",
            "TOVI_CODE": "" if around.code is None else str(around.code),
            "TOVI_DATA": str(around.data),
            "TOVI_IN": str(around.inputs),
            "TOVI_OUT": str(control / "outputs"),
            "TOVI_SCRATCH": str(work),
        }
        if around.env is not None:
            environment["TOVI_ENV"] = str(self._data.path(around.env))
        return Order(
            attempt=active.attempt,
            node=active.node,
            request=active.request,
            gpu_ids=active.gpu_ids,
            timeout=active.timeout,
            grace=self._grace,
            script=text,
            environment=environment,
            owner=owner,
            control=control,
            work=work,
            log_limit_bytes=self._log_limit_bytes,
        )

    def _finish(self, exited: Exited, frozen: Frozen, owner: Owner) -> Exited:
        stage = frozen.spec.stage(exited.attempt.task.stage)
        env = None
        if stage.setup is not None:
            env = job_folders.env_path(self._data, frozen, stage, owner)
        return attempt_end.finish(self._data, Attempt(frozen.project, stage, owner, env), exited)

    def _surroundings(self, frozen: Frozen, stage: StageSpec, owner: Owner, origins: tuple[JobId, ...]) -> Surroundings:
        key = (frozen.id, stage.name)
        known = self._stages.get(key)
        if known is not None:
            return known
        if owner.gid is not None:
            grouping.adopt(self._data, frozen.project, owner.gid)
        job_folders.lay_out_job(self._data, frozen)
        job_folders.need_datasets(self._data, frozen.project, stage)
        made = job_folders.lay_out_stage(self._data, frozen, stage, origins=origins, owner=owner)
        return self._stages.put(key, made)


def _unavailable(attempt: AttemptId, error: OSError) -> ToviError:
    return UnavailableError(f"the files of {attempt} are not as they should be", why=error.strerror or str(error))
