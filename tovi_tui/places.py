"""Where one can be. Screens open places; only the app knows which screen shows which."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QueuePlace:
    """Jobs, by a filter as it is typed: `state:running user:ada sweep`."""

    filter: str = ""


@dataclass(frozen=True, slots=True)
class JobPlace:
    """One job; `task` is the id of the one to be on."""

    job: int
    task: str | None = None


@dataclass(frozen=True, slots=True)
class LogPlace:
    """The logs of these tasks, by their ids, beside each other."""

    tasks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MetricsPlace:
    """The metrics of a job's tasks."""

    job: int


@dataclass(frozen=True, slots=True)
class NodesPlace:
    """The machines."""


@dataclass(frozen=True, slots=True)
class DataPlace:
    """A folder or file, as over SFTP; empty: the top."""

    path: str = ""


@dataclass(frozen=True, slots=True)
class SubmitPlace:
    """The editor, with a text to begin with."""

    text: str = ""


@dataclass(frozen=True, slots=True)
class RerunPlace:
    """The form to run a job again."""

    job: int


@dataclass(frozen=True, slots=True)
class AdminPlace:
    """Users, keys and projects."""


Place = QueuePlace | JobPlace | LogPlace | MetricsPlace | NodesPlace | DataPlace | SubmitPlace | RerunPlace | AdminPlace
