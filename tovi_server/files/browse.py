"""Lists for people: datasets, what tasks left, what a job's code was."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tovi_server.core import views
from tovi_server.core.ids import JobId, TaskId
from tovi_server.files import datadir, job_places, names, snapshots
from tovi_server.files.attributes import time_of
from tovi_server.files.datadir import DataDir

MOST_FILES: Final = 10_000
"""So many files of a dataset are listed at most; all are counted."""
_DEEPEST: Final = 256
_LIST: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True)
class _Found:
    path: bytes
    stat: os.stat_result

    def view(self) -> views.FileView:
        return views.FileView(os.fsdecode(self.path), self.stat.st_size, time_of(self.stat.st_mtime))


def datasets(data: DataDir, project: str) -> tuple[views.DatasetView, ...]:
    """The datasets of a project by name, without their files; nothing when the project has no folder yet."""
    folder = _open(data, datadir.datasets_path(project))
    if folder is None:
        return ()
    try:
        found = sorted(name for name in os.listdir(folder) if names.DATASET.fullmatch(os.fsencode(name)))
    finally:
        os.close(folder)
    return tuple(view for name in found if (view := _dataset(data, project, name, most_files=0)) is not None)


def dataset(data: DataDir, project: str, name: str) -> views.DatasetView | None:
    """One dataset with its files; None when there is none of that name."""
    if not names.DATASET.fullmatch(os.fsencode(name)):
        return None
    return _dataset(data, project, name, most_files=MOST_FILES)


def _dataset(data: DataDir, project: str, name: str, *, most_files: int) -> views.DatasetView | None:
    folder = _open(data, f"{datadir.datasets_path(project)}/{name}")
    if folder is None:
        return None
    total, size, changed = 0, 0, os.fstat(folder).st_mtime
    files: list[views.FileView] = []
    try:
        for found in _files(folder):
            total, size, changed = total + 1, size + found.stat.st_size, max(changed, found.stat.st_mtime)
            if len(files) < most_files:
                files.append(found.view())
    finally:
        os.close(folder)
    files.sort(key=lambda file: file.path)
    return views.DatasetView(name, project, total, size, time_of(changed), tuple(files))


def outputs(data: DataDir, project: str, tasks: Sequence[TaskId]) -> tuple[views.OutputView, ...]:
    """The files that tasks left; `path` is where people find them over SFTP, by its job."""
    return tuple(view for task in tasks for view in _task_outputs(data, project, task))


def _task_outputs(data: DataDir, project: str, task: TaskId) -> Iterator[views.OutputView]:
    path = datadir.task_path(project, task)
    newest = None if data.exists(f"{path}/outputs") else job_places.newest_attempt(data, path)
    folder = _open(data, f"{path}/outputs" if newest is None else f"{path}/attempts/{newest}/outputs")
    if folder is None:
        return
    job = datadir.job_path(project, task.job)
    inner = "" if job_places.only_task(data, job) else f"/{task.stage}.{task.index}"
    try:
        for found in sorted(_files(folder), key=lambda found: found.path):
            shown = f"jobs/{task.job}{inner}/outputs/{os.fsdecode(found.path)}"
            yield views.OutputView(str(task), shown, found.stat.st_size)
    finally:
        os.close(folder)


def manifest(data: DataDir, project: str, job: JobId) -> tuple[views.FileView, ...]:
    """The files of a job's code; nothing when none travelled, or nothing of the job was laid out yet."""
    try:
        opened = data.open(f"{datadir.job_path(project, job)}/manifest.json", os.O_RDONLY | os.O_NOFOLLOW)
    except FileNotFoundError:
        return ()
    with open(opened, "rb") as file:
        entries = snapshots.from_manifest(file.read())
    return tuple(views.FileView(entry.path, entry.size) for entry in entries if entry.hash is not None)


def _open(data: DataDir, path: str) -> int | None:
    try:
        return data.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _files(folder: int, above: bytes = b"", depth: int = 0) -> Iterator[_Found]:
    """The regular files beneath a folder, a descriptor; links are not followed, what vanishes meanwhile is left out."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name = os.fsencode(entry.name)
            try:
                found = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(found.st_mode) and not names.is_hidden(name):
                yield _Found(above + name, found)
            elif stat.S_ISDIR(found.st_mode) and depth < _DEEPEST:
                yield from _inner_files(folder, entry.name, above + name + b"/", depth + 1)


def _inner_files(folder: int, name: str, above: bytes, depth: int) -> Iterator[_Found]:
    try:
        inner = os.open(name, _LIST, dir_fd=folder)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return
    try:
        yield from _files(inner, above, depth)
    finally:
        os.close(inner)
