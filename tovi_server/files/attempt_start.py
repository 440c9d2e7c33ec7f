"""The folders of one attempt, made before it starts, with as few steps as they need.

All but the leaves lies in folders of the server's own, where no job can put a link in the way.
"""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

from scheduler.ports import Owner
from tovi_server.core.ids import AttemptId
from tovi_server.files import datadir
from tovi_server.files.datadir import DataDir
from tovi_server.files.job_places import LOGS
from tovi_server.files.modes import FOLDER, PRIVATE
from tovi_server.files.writing import write_whole

SCRIPT: Final = "script.sh"
USERS: Final = "passwd"
"""What a pod has for its /etc/passwd."""
_SCRIPT_MODE: Final = 0o750
_LOG: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_SCRATCH_FOLDERS: Final = ("work", "home", "tmp")


def scratch_name(attempt: AttemptId) -> str:
    """Of the private folder in `scratch/`."""
    return f"{attempt.task}.{attempt.number}"


def is_laid_out(data: DataDir, project: str, attempt: AttemptId) -> bool:
    """Whether it was, by whichever server: then it may be running."""
    return data.exists(f"{datadir.attempt_path(project, attempt)}/{SCRIPT}")


def lay_out(
    data: DataDir, project: str, attempt: AttemptId, *, owner: Owner, script: str, passwd: str | None = None
) -> None:
    """All folders and files of an attempt; the script comes last and says that all is there. Again is harmless.

    With a text for /etc/passwd it is for a pod, which has scratch space of its own.
    """
    task = f"{attempt.task.stage}.{attempt.task.index}"
    control = f"{task}/attempts/{attempt.number}"
    with data.folder(datadir.job_path(project, attempt.task.job)) as job:
        if _there(job, f"{control}/{SCRIPT}"):
            return
        for path in (task, f"{task}/attempts", control):
            _make(job, path, FOLDER)
        _make(job, f"{control}/outputs", FOLDER, owner.uid)
        for log in LOGS:
            _make_log(job, f"{control}/{log}", owner.uid)
        if passwd is None:
            _make_scratch(data, scratch_name(attempt), owner)
        else:
            _write(job, control, USERS, passwd, mode=0o644)
        _write(job, control, SCRIPT, script, mode=_SCRIPT_MODE)


def _make_scratch(data: DataDir, name: str, owner: Owner) -> None:
    with data.folder("scratch") as scratch:
        _make(scratch, name, PRIVATE)
        for inner in _SCRATCH_FOLDERS:
            _make(scratch, f"{name}/{inner}", PRIVATE, owner.uid, owner.gid)
        _make(scratch, name, PRIVATE, owner.uid, owner.gid)


def _make(parent: int, path: str, mode: int, uid: int | None = None, gid: int | None = None) -> None:
    """A folder with this owner and mode, whether it was there or not."""
    with suppress(FileExistsError):
        os.mkdir(path, mode & 0o777, dir_fd=parent)
    if uid is not None:
        os.chown(path, uid, -1 if gid is None else gid, dir_fd=parent, follow_symlinks=False)
    os.chmod(path, mode, dir_fd=parent)


def _make_log(parent: int, path: str, uid: int | None) -> None:
    """A log belongs to the task, which may open it anew by /dev/stderr; colleagues' tasks cannot read it."""
    opened = os.open(path, _LOG, 0o600, dir_fd=parent)
    try:
        if uid is not None:
            os.fchown(opened, uid, -1)
    finally:
        os.close(opened)


def _write(job: int, control: str, name: str, text: str, *, mode: int) -> None:
    folder = os.open(control, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=job)
    try:
        write_whole(folder, name, text.encode("utf-8", "surrogateescape"), mode=mode)
    finally:
        os.close(folder)


def _there(folder: int, path: str) -> bool:
    try:
        os.stat(path, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True
