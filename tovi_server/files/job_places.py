"""What people see of a job: its file, its logs and its outputs, without the control files around them.

`outputs` of a task is what it left, sealed; before that, or when it failed, what its newest attempt has so far. A job
with a single task shows what is in the task's folder directly, and answers to the task's own name too.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from tovi_server.files import datadir
from tovi_server.files.datadir import DataDir

ONLY_TASK: Final = "only-task"
"""A link in the folder of a job with a single task, to that task's folder."""
LOGS: Final = ("stdout.log", "stderr.log")

_JOB: Final = re.compile(r"[1-9][0-9]{0,18}", re.ASCII)
_TASK: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}\.(?:0|[1-9][0-9]{0,9})", re.ASCII)
_ATTEMPT: Final = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_JOB_FILES: Final = ("tovi.yaml", "manifest.json")


@dataclass(frozen=True, slots=True)
class Listed:
    """A folder of which only some names are shown; `behind` is the one on disk."""

    behind: str
    names: Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True)
class Shown:
    """Something on disk: `rest` beneath `anchor`."""

    anchor: str
    rest: str
    made_by_job: bool = False


def find(data: DataDir, project: str, parts: Sequence[str]) -> Listed | Shown | None:
    """What a path below a project's `jobs` leads to; None when no job could have such a thing."""
    jobs = f"{datadir.project_path(project)}/jobs"
    match parts:
        case []:
            return Listed(jobs, lambda: _matching(data, jobs, _JOB))
        case [job, *rest] if is_job(data, project, job):
            return _in_job(data, f"{jobs}/{job}", rest)
    return None


def is_job(data: DataDir, project: str, name: str) -> bool:
    """Whether a job of that id has a folder in the project."""
    return bool(_JOB.fullmatch(name)) and data.exists(f"{datadir.project_path(project)}/jobs/{name}")


def _in_job(data: DataDir, job: str, parts: Sequence[str]) -> Listed | Shown | None:
    match parts:
        case []:
            return Listed(job, lambda: _names_in_job(data, job))
        case [name] if name in _JOB_FILES:
            return Shown(job, name)
        case [name, *rest] if _TASK.fullmatch(name):
            return _in_task(data, f"{job}/{name}", rest) if data.exists(f"{job}/{name}") else None
    only = only_task(data, job)
    return None if only is None else _in_task(data, f"{job}/{only}", parts)


def _names_in_job(data: DataDir, job: str) -> Iterator[bytes]:
    only = only_task(data, job)
    yield from _there(data, job, _JOB_FILES)
    if only is None:
        yield from _matching(data, job, _TASK)
    elif data.exists(f"{job}/{only}"):
        yield from _names_in_task(data, f"{job}/{only}")


def _in_task(data: DataDir, task: str, parts: Sequence[str]) -> Listed | Shown | None:
    match parts:
        case []:
            return Listed(task, lambda: _names_in_task(data, task))
        case ["metrics.json"]:
            return Shown(task, "metrics.json")
        case ["outputs", *rest] if data.exists(f"{task}/outputs"):
            return Shown(f"{task}/outputs", "/".join(rest))
        case ["attempts"]:
            return Listed(f"{task}/attempts", lambda: _matching(data, f"{task}/attempts", _ATTEMPT))
        case ["attempts", number, *rest] if _ATTEMPT.fullmatch(number):
            return _in_attempt(data, f"{task}/attempts/{number}", rest)
    newest = newest_attempt(data, task)
    return _in_attempt(data, f"{task}/attempts/{newest}", parts) if newest else None


def _names_in_task(data: DataDir, task: str) -> Iterator[bytes]:
    newest = newest_attempt(data, task)
    sealed = data.exists(f"{task}/outputs")
    if newest:
        yield from _names_in_attempt(data, f"{task}/attempts/{newest}", but_outputs=sealed)
    yield from _there(data, task, ("metrics.json", "outputs"))
    if newest and newest > 1:
        yield b"attempts"


def _in_attempt(data: DataDir, attempt: str, parts: Sequence[str]) -> Listed | Shown | None:
    if not data.exists(attempt):
        return None
    match parts:
        case []:
            return Listed(attempt, lambda: _names_in_attempt(data, attempt))
        case [name] if name in LOGS:
            return Shown(attempt, name)
        case ["outputs", *rest] if data.exists(f"{attempt}/outputs"):
            return Shown(f"{attempt}/outputs", "/".join(rest), made_by_job=True)
    return None


def _names_in_attempt(data: DataDir, attempt: str, *, but_outputs: bool = False) -> Iterator[bytes]:
    return _there(data, attempt, LOGS if but_outputs else (*LOGS, "outputs"))


def only_task(data: DataDir, job: str) -> str | None:
    """The name of the one task of a job; None when it has several."""
    try:
        with data.folder(job) as folder:
            return os.readlink(ONLY_TASK, dir_fd=folder)
    except FileNotFoundError:
        return None


def newest_attempt(data: DataDir, task: str) -> int | None:
    """The number of the newest attempt at a task; None when there is none."""
    try:
        return max((int(name) for name in _matching(data, f"{task}/attempts", _ATTEMPT)), default=None)
    except FileNotFoundError:
        return None


def _there(data: DataDir, folder: str, names: Sequence[str]) -> Iterator[bytes]:
    return (name.encode() for name in names if data.exists(f"{folder}/{name}"))


def _matching(data: DataDir, folder: str, pattern: re.Pattern[str]) -> Iterator[bytes]:
    opened = data.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with os.scandir(opened) as entries:
            yield from (os.fsencode(entry.name) for entry in entries if pattern.fullmatch(entry.name))
    finally:
        os.close(opened)
