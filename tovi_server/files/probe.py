"""The folder of a probe: a task that reads a file which the server wrote, and writes one which the server reads."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from scheduler.ports import Mount, Order, Owner
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.resources import MIB, Resources
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_places import LOGS
from tovi_server.files.modes import FOLDER
from tovi_server.files.removing import remove_tree

_MOST: Final = 1000
_SCRIPT: Final = '{ cat "$TOVI_PROBE/given" && id -u && id -g; } >"$TOVI_OUT/answer"\n'
_REQUEST: Final = Resources(cpu_millicores=50, memory_bytes=64 * MIB, disk_bytes=64 * MIB)
_LOOK: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class Answer:
    """What it wrote."""

    given: str
    """What it read."""
    uid: str
    gid: str
    seen_uid: str
    """The same, as the file that it wrote says."""


def probe_order(data: DataDir, owner: Owner) -> Order:
    """A new one; its node is still to be named. Nothing is made."""
    number = secrets.randbelow(10**9)
    folder, work = data.path("scratch", f"probe.{number}"), data.path("scratch", f"probe.{number}.work")
    return Order(
        attempt=AttemptId(TaskId(JobId(number), "probe", 0), 1),
        project="probe",
        node="",
        image=None,
        request=_REQUEST,
        gpu_ids=(),
        timeout=timedelta(minutes=1),
        grace=timedelta(seconds=1),
        script=_SCRIPT,
        environment={
            "USER": "probe",
            "TOVI_PROBE": str(folder),
            "TOVI_OUT": str(folder / "outputs"),
            "TOVI_SCRATCH": str(work),
        },
        owner=owner,
        control=folder,
        work=work,
        log_limit_bytes=MIB,
        mounts=(Mount(folder), *(Mount(folder / name, writable=True) for name in ("outputs", *LOGS))),
    )


@contextmanager
def laid_out(data: DataDir, order: Order) -> Iterator[str]:
    """Its folder is there, and is removed again; gives the text that it has to read."""
    name, given = order.control.name, secrets.token_hex(16)
    with data.folder("scratch") as scratch:
        try:
            _lay_out(scratch, name, order, given)
            yield given
        finally:
            remove_tree(scratch, name)


def _lay_out(scratch: int, name: str, order: Order, given: str) -> None:
    uid, gid = -1 if order.owner.uid is None else order.owner.uid, -1 if order.owner.gid is None else order.owner.gid
    for folder in (name, f"{name}/outputs"):
        os.mkdir(folder, dir_fd=scratch)
        os.chown(folder, -1, gid, dir_fd=scratch)
        os.chmod(folder, FOLDER, dir_fd=scratch)
    for file, text in (("given", given + "\n"), ("script.sh", order.script), *((log, "") for log in LOGS)):
        _write(scratch, f"{name}/{file}", text)
    for own in ("outputs", *LOGS):
        os.chown(f"{name}/{own}", uid, -1, dir_fd=scratch)


def _write(scratch: int, path: str, text: str) -> None:
    opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=scratch)
    with os.fdopen(opened, "w") as file:
        os.fchmod(opened, 0o640)
        file.write(text)


def answer(data: DataDir, order: Order) -> Answer | None:
    """None: it wrote none that can be read."""
    try:
        opened = data.open(_path(order, "outputs/answer"), _LOOK)
    except OSError:
        return None
    with os.fdopen(opened, "rb") as file:
        lines, owner = file.read(_MOST).decode("ascii", "replace").splitlines(), os.fstat(opened).st_uid
    if len(lines) != 3:
        return None
    given, uid, gid = lines
    return Answer(given, uid, gid, str(owner))


def complaint(data: DataDir, order: Order) -> str:
    """What it wrote to its errors; empty: nothing that can be read."""
    try:
        opened = data.open(_path(order, "stderr.log"), _LOOK)
    except OSError:
        return ""
    with os.fdopen(opened, "rb") as file:
        return " ".join(file.read(_MOST).decode("utf-8", "replace").split())


def _path(order: Order, name: str) -> str:
    return f"scratch/{order.control.name}/{name}"
