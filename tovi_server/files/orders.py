"""What an executor is told of an attempt whose folders are there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

from scheduler.ports import Mount, Order, Owner
from scheduler.snapshot import Active
from tovi_server.core.ids import AttemptId
from tovi_server.core.job import Frozen
from tovi_server.files import attempt_start, datadir
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_folders import Surroundings
from tovi_server.files.job_places import LOGS

_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all attempts."""

    grace: timedelta
    log_limit_bytes: int
    in_pods: bool = False
    """Tasks see of the data directory only what is mounted, and have scratch space of their own."""


def order(
    data: DataDir, active: Active, *, frozen: Frozen, owner: Owner, around: Surroundings, script: str, rules: Rules
) -> Order:
    """The order to start an attempt."""
    control = data.path(datadir.attempt_path(frozen.project, active.attempt))
    work = data.path("scratch", attempt_start.scratch_name(active.attempt))
    environment = {
        **_who(frozen),
        **_which(active),
        **_where(around, control=control, work=work),
    }
    if around.env is not None:
        environment["TOVI_ENV"] = str(data.path(around.env))
    return Order(
        attempt=active.attempt,
        project=frozen.project,
        node=active.node,
        image=frozen.spec.stage(active.attempt.task.stage).image,
        request=active.request,
        gpu_ids=active.gpu_ids,
        timeout=active.timeout,
        grace=rules.grace,
        script=script,
        environment=environment,
        owner=owner,
        control=control,
        work=work,
        log_limit_bytes=rules.log_limit_bytes,
        mounts=tuple(_mounts(data, around, control)) if rules.in_pods else (),
        passwd=control / attempt_start.USERS if rules.in_pods else None,
        was_running=active.started_at is not None,
    )


def passwd(data: DataDir, attempt: AttemptId, user: str, owner: Owner) -> str:
    """An /etc/passwd in which the uid of a task has its user's name, and the task's home."""
    uid = os.geteuid() if owner.uid is None else owner.uid
    gid = os.getegid() if owner.gid is None else owner.gid
    home = data.path("scratch", attempt_start.scratch_name(attempt), "home")
    return f"root:x:0:0:root:/root:/bin/sh\n{user}:x:{uid}:{gid}:{user}:{home}:/bin/sh\n"


def _mounts(data: DataDir, around: Surroundings, control: Path) -> Iterator[Mount]:
    yield from (Mount(path) for path in around.shared)
    for own in ("outputs", *LOGS):
        yield Mount(control / own, writable=True)
    if around.env is not None:
        path = data.path(around.env)
        yield Mount(path, writable=bool(os.stat(path).st_mode & 0o200))


def _who(frozen: Frozen) -> Mapping[str, str]:
    return {"PATH": _PATH, "LANG": "C.UTF-8", "USER": frozen.user, "LOGNAME": frozen.user}


def _which(active: Active) -> Mapping[str, str]:
    task = active.attempt.task
    return {
        "TOVI_JOB": str(task.job),
        "TOVI_STAGE": task.stage,
        "TOVI_TASK": str(task),
        "TOVI_ATTEMPT": str(active.attempt.number),
        "TOVI_NODE_RANK": "0",
        "TOVI_NODES": "1",
        "TOVI_MASTER_ADDR": "127.0.0.1",
        "TOVI_GPUS": str(active.request.gpus),
        "TOVI_LOCAL": "",
    }


def _where(around: Surroundings, *, control: Path, work: Path) -> Mapping[str, str]:
    return {
        "TOVI_CODE": "" if around.code is None else str(around.code),
        "TOVI_DATA": str(around.data),
        "TOVI_IN": str(around.inputs),
        "TOVI_OUT": str(control / "outputs"),
        "TOVI_SCRATCH": str(work),
    }
