"""What the manager needs of the data directory and of the scheduler, with the fewest verbs."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from scheduler.snapshot import Snapshot
from tovi_server.core import views
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import Reason

Planner = Callable[[Snapshot], Mapping[tuple[JobId, str], Reason]]
"""For each stage with tasks that stay queued, why: the scheduler's own plan, asked without acting on it."""


class Intake(Protocol):
    """A submission's code, as it was kept."""

    @property
    def spec_text(self) -> str: ...
    @property
    def snapshot(self) -> str: ...


class Mark(Protocol):
    """How long both logs of an attempt were at a time."""

    @property
    def at(self) -> datetime: ...
    @property
    def out(self) -> int: ...
    @property
    def err(self) -> int: ...


class Logs(Protocol):
    """Logs of attempts, a piece at a time; what does not exist yet is empty. Blocking: call them in a thread."""

    def read(self, project: str, attempt: AttemptId, stream: str, offset: int, limit: int) -> bytes: ...

    def size(self, project: str, attempt: AttemptId, stream: str) -> int: ...

    def marks(self, project: str, attempt: AttemptId) -> Sequence[Mark]: ...


class CallerFiles(Protocol):
    """What one caller sees over SFTP, with errors for people. Blocking: call it in a thread."""

    def page(self, path: str, *, after: str | None, limit: int) -> views.FilePage: ...

    def part(self, path: str, *, start: int, length: int) -> views.FilePart: ...

    def remove(self, path: str) -> None: ...

    def rename(self, path: str, to: str) -> None: ...


class Files(Protocol):
    """The data directory. What is not `async` blocks: call it in a thread."""

    @property
    def logs(self) -> Logs: ...

    def looks_like_archive(self, first: bytes) -> bool: ...

    async def receive(self, chunks: AsyncIterable[bytes], *, project: str, keep: bool) -> Intake: ...

    def create_project(self, name: str) -> None: ...

    def create_home(self, user: str) -> None: ...

    def datasets(self, project: str) -> Sequence[views.DatasetView]: ...

    def dataset(self, project: str, name: str) -> views.DatasetView | None: ...

    def outputs(self, project: str, tasks: Sequence[TaskId]) -> Sequence[views.OutputView]: ...

    def files_of(self, me: views.Me, *, authorized_keys: bytes) -> CallerFiles: ...

    def manifest(self, project: str, job: JobId) -> Sequence[views.FileView]: ...
