"""What is done once an attempt ended: look at what it left, seal it if it counts, remove its private folder."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final

from scheduler.ports import Owner
from tovi_server.core.events import Exited
from tovi_server.core.hint import explained, outputs_missing
from tovi_server.core.reasons import EndReason
from tovi_server.core.spec import StageSpec
from tovi_server.files import datadir, metrics, sealing
from tovi_server.files.attempt_start import scratch_name
from tovi_server.files.datadir import DataDir
from tovi_server.files.modes import FOLDER
from tovi_server.files.reading import read_small
from tovi_server.files.removing import remove_tree
from tovi_server.files.writing import write_whole

_HINT: Final = "ended"
_LONGEST_HINT: Final = 4096
_OF_THE_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.EMFILE, errno.ENFILE)
"""Later it may work. Other errors are what the task made of its outputs."""
_LIST: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Attempt:
    """What must be known of an attempt to end it."""

    project: str
    stage: StageSpec
    owner: Owner
    env: str | None
    """As in `Surroundings`."""


def finish(data: DataDir, attempt: Attempt, exited: Exited) -> Exited:
    """The facts, with what the files say. Again is harmless, and gives the same.

    Raises:
        OSError: as disks do; then it can be done again.
    """
    exited = _with_hint(data, attempt.project, exited)
    with _outputs(data, attempt.project, exited) as outputs:
        if outputs is not None:
            exited = _looked_at(data, attempt, exited, outputs)
    if attempt.env is not None:
        _seal_env(data, attempt.env, attempt.owner)
    with data.folder("scratch") as scratch:
        remove_tree(scratch, scratch_name(exited.attempt))
    return exited


def _with_hint(data: DataDir, project: str, exited: Exited) -> Exited:
    """An end with an error may have a reason that only the script knew. It is kept: the private folder goes away."""
    if exited.reason is not EndReason.ERROR or not data.exists(datadir.attempt_path(project, exited.attempt)):
        return exited
    with data.folder(datadir.attempt_path(project, exited.attempt)) as control:
        hint = read_small(data.resolver, control, _HINT, limit=_LONGEST_HINT)
        if hint is None:
            hint = _read_hint(data, exited)
            write_whole(control, _HINT, hint, mode=0o640)
    return explained(exited, hint.decode("utf-8", "replace"))


def _read_hint(data: DataDir, exited: Exited) -> bytes:
    """Nothing when there is none, or it cannot be one."""
    with data.folder("scratch") as scratch:
        try:
            path = f"{scratch_name(exited.attempt)}/{_HINT}"
            return read_small(data.resolver, scratch, path, limit=_LONGEST_HINT) or b""
        except ValueError:
            return b""


@contextmanager
def _outputs(data: DataDir, project: str, exited: Exited) -> Iterator[int | None]:
    """The attempt's outputs, wherever they are by now; None when it never had a place for them."""
    opened = None
    for folder in (datadir.attempt_path(project, exited.attempt), datadir.task_path(project, exited.attempt.task)):
        try:
            opened = _open_outputs(data, f"{folder}/outputs")
            break
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR, errno.ELOOP):
                raise
    try:
        yield opened
    finally:
        if opened is not None:
            os.close(opened)


def _open_outputs(data: DataDir, path: str) -> int:
    """A task without a uid of its own may have shut the server out."""
    try:
        return data.open(path, _LIST)
    except PermissionError:
        with data.folder(path) as folder:
            os.chmod(f"/proc/self/fd/{folder}", FOLDER)
        return data.open(path, _LIST)


def _looked_at(data: DataDir, attempt: Attempt, exited: Exited, outputs: int) -> Exited:
    exited = _with_metrics(data, attempt.stage, exited, outputs)
    if exited.reason is not EndReason.OK:
        return exited
    missing = next((one.path for one in attempt.stage.outputs if not _is_there(data, outputs, one.path)), None)
    if missing is not None:
        return outputs_missing(exited, missing)
    try:
        _seal(data, attempt, exited, outputs)
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
        return replace(exited, reason=EndReason.ERROR, message=f"the outputs cannot be kept: {error.strerror}")
    return exited


def _is_there(data: DataDir, outputs: int, path: str) -> bool:
    try:
        os.close(data.resolver.open(outputs, os.fsencode(path), os.O_PATH | os.O_NOFOLLOW))
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EXDEV, errno.ELOOP, errno.EACCES):
            return False
        raise
    return True


def _with_metrics(data: DataDir, stage: StageSpec, exited: Exited, outputs: int) -> Exited:
    if stage.metrics is None:
        return exited
    try:
        return replace(exited, metrics=metrics.read_metrics(data.resolver, outputs, stage.metrics))
    except ValueError as error:
        return replace(exited, message=exited.message or f"{stage.metrics} was not read: {error}")


def _seal(data: DataDir, attempt: Attempt, exited: Exited, outputs: int) -> None:
    """Seal the outputs and put them where those of the task are looked for."""
    control = datadir.attempt_path(attempt.project, exited.attempt)
    task = datadir.task_path(attempt.project, exited.attempt.task)
    if data.exists(f"{control}/outputs"):
        sealing.seal(outputs, attempt.owner)
        with data.folder(task) as folder:
            if exited.metrics:
                write_whole(folder, "metrics.json", metrics.to_text(exited.metrics), mode=0o640)
            os.rename(f"attempts/{exited.attempt.number}/outputs", "outputs", src_dir_fd=folder, dst_dir_fd=folder)
    sealing.shut(outputs)


def _seal_env(data: DataDir, env: str, owner: Owner) -> None:
    """What `setup` made is used again by others from now on."""
    folder = data.open(env, _LIST)
    try:
        ready = data.resolver.open(folder, b".ready", os.O_PATH | os.O_NOFOLLOW)
        os.close(ready)
        if os.fstat(folder).st_mode & 0o200:
            sealing.seal(folder, owner)
            sealing.shut(folder)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno in _OF_THE_DISK:
            raise
    finally:
        os.close(folder)
