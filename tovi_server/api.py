"""The one door: `ManagerAPI`, a verb for each thing a person can do, and `Gate`, which opens it for one caller.

No verb takes a user to act as. An id of something that the caller may not see is answered exactly like an id
that does not exist. Every verb raises `ToviError`s.
"""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from tovi_server.core import views
from tovi_server.core.access import Caller, Role
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference

VERSION = 1
"""Both sides of a `RemoteManager` must speak the same."""


@dataclass(frozen=True, slots=True)
class SubmitOptions:
    """What a command line says about a job beside its file; it beats the file."""

    project: str | None = None
    name: str | None = None
    queue: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    note: str = ""
    hold: bool = False
    key: str | None = None
    """The same key of the same user gives the same job."""


@dataclass(frozen=True, slots=True)
class LogOptions:
    """Which part of which log. `stream` is out, err or both; `tail` and `since` narrow what is there already."""

    follow: bool = False
    stream: str = "both"
    attempt: int | None = None
    """None: the newest."""
    tail: int | None = None
    since: datetime | None = None


class ManagerAPI(Protocol):
    """All that a front end can ask for, in the name of one caller.

    Async iterators end by themselves when nothing more will come; closing them early is always fine.
    """

    async def me(self) -> views.Me: ...

    async def server(self) -> views.ServerInfo: ...

    async def submit(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
        """Queue a job. `source` is a tovi.yaml, or a tar stream (plain, gzip or zstd) with one at its top.

        Durable when it returns. Raises InvalidSpecError, InvalidArchiveError, NeverFitsError, DeniedError,
        QuotaExceededError; ConflictError when `options.key` was used for a different job.
        """
        ...

    async def check(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
        """All that `submit` checks, keeping nothing."""
        ...

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        """Jobs the caller may see, newest first; with `unfinished`, the caller's own come first."""
        ...

    async def show(
        self, reference: Reference, *, where: Mapping[str, str] | None = None, files: bool = False, limit: int = 200
    ) -> views.Details: ...

    async def why(self, reference: Reference) -> views.Why: ...

    def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
        """The bytes of one task or of all tasks of a stage or job, in order of time as far as it is known."""
        ...

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        """A part of one task's `out` or `err`; a negative `start` counts from the end. At most 256 KiB come at once.

        `attempt` None: the newest. A task without a log has an empty one.
        """
        ...

    def search_log(
        self, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
    ) -> AsyncIterator[views.LogMatches]:
        """Where `text` is in one task's log from `start` on, capital letters or not; each item goes further."""
        ...

    async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
        """Until all (or `any`) are final. Raises WaitTimeoutError."""
        ...

    async def cancel(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]: ...

    async def hold(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]: ...

    async def release(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]: ...

    async def rerun(
        self, job: JobId, *, failed: bool, params: Mapping[str, str], key: str | None = None
    ) -> views.Submitted:
        """A new job from the frozen code and spec of an old one; `failed`: only the tasks that did not succeed.

        `key` is that of SubmitOptions.
        """
        ...

    async def annotate(self, job: JobId, *, note: str | None, tags: tuple[str, ...] | None) -> views.JobView:
        """Change what is not None, as who may cancel the job; also when it has ended."""
        ...

    def events(self, reference: Reference | None, *, follow: bool, after: int = 0) -> AsyncIterator[views.EventView]:
        """The event stream of one job or of all that the caller may see, from `after` (exclusive) on."""
        ...

    def news(self) -> AsyncIterator[views.News]:
        """What changed from now on, without end: cheaper than `events` for who shows lists.

        It comes at most once a second, and where many listen less often to each: every four seconds at least.
        Its first item comes at once, and says that anything may have changed: what is loaded after it misses nothing.
        """
        ...

    async def metrics(self, reference: Reference) -> tuple[views.MetricsRow, ...]: ...

    async def outputs(self, reference: Reference) -> tuple[views.OutputView, ...]: ...

    async def compile(self, source: AsyncIterable[bytes]) -> str:
        """One POSIX script that runs the whole pipeline of a tovi.yaml locally."""
        ...

    async def datasets(self, *, project: str | None) -> tuple[views.DatasetView, ...]: ...

    async def dataset(self, name: str, *, project: str | None) -> views.DatasetView: ...

    async def list_files(self, path: str, *, after: str | None, limit: int) -> views.FilePage:
        """What is in a folder, as over SFTP; `after` is the last name of the page before."""
        ...

    async def read_file(self, path: str, *, start: int, length: int) -> views.FilePart:
        """A part of a file; at most 256 KiB come at once."""
        ...

    async def remove_file(self, path: str) -> None:
        """A file, or a folder with all that is in it."""
        ...

    async def rename_file(self, path: str, *, to: str) -> None:
        """Give it another path. ConflictError where something is already."""
        ...

    async def projects(self) -> tuple[views.ProjectView, ...]: ...

    async def project(self, name: str) -> views.ProjectView: ...

    async def create_project(self, name: str, *, note: str) -> views.ProjectView: ...

    async def use_project(self, name: str) -> views.ProjectView:
        """Make it the caller's current project; sessions opened from now on start there."""
        ...

    async def set_member(self, project: str, user: str, role: Role) -> views.ProjectView:
        """Add a member, or change their role. The last owner cannot step down: ConflictError."""
        ...

    async def remove_member(self, project: str, user: str) -> views.ProjectView: ...

    async def set_project(self, project: str, *, note: str | None, archived: bool | None) -> views.ProjectView:
        """Change what is not None. An archived project takes no new jobs or data."""
        ...

    async def nodes(self) -> tuple[views.NodeView, ...]: ...

    async def queues(self) -> tuple[views.QueueView, ...]: ...

    async def keys(self) -> tuple[views.KeyView, ...]: ...

    async def add_key(self, line: str) -> views.KeyView:
        """Add a public key, in OpenSSH's one-line form, to the caller. ConflictError when anybody has it."""
        ...

    async def remove_key(self, fingerprint: str) -> views.KeyView:
        """Remove one of the caller's keys; the last one stays: ConflictError."""
        ...

    async def preferences(self) -> Mapping[str, str]:
        """What front ends keep for the caller."""
        ...

    async def prefer(self, values: Mapping[str, str]) -> None:
        """Keep these too; an empty value is forgotten.

        Raises QuotaExceededError: they are too many; UsageError: one is too long.
        """
        ...

    async def users(self) -> tuple[views.UserView, ...]:
        """All users. This and the rest need the admin role: DeniedError."""
        ...

    async def add_user(self, name: str, *, key: str, admin: bool) -> views.UserView: ...

    async def set_user(self, name: str, *, disabled: bool | None, admin: bool | None) -> views.UserView: ...

    async def add_user_key(self, name: str, *, key: str) -> views.UserView:
        """As `add_key`, to another user, who lost theirs."""
        ...

    async def remove_user_key(self, name: str, *, fingerprint: str) -> views.UserView:
        """As `remove_key`, from another user; the last one stays: who has none left is disabled instead."""
        ...


class Gate(Protocol):
    """Where receivers learn whom a key belongs to, and get the door for them."""

    async def caller_by_key(self, fingerprint: str) -> Caller | None:
        """Whose key it is; None when it is nobody's or its user is disabled. Free of side effects."""
        ...

    async def still_valid(self, caller: Caller) -> bool:
        """Whether the caller's key and account still stand, as they did when they logged in."""
        ...

    async def logged_in(self, caller: Caller) -> None:
        """Note that the caller's key was used; never in their way."""
        ...

    def session(self, caller: Caller) -> ManagerAPI: ...
