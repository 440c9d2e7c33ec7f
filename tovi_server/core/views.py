"""What front ends receive. The field names are the public JSON keys of `cli.md`: change them with care.

Texts in views come from people; `manager` makes them safe for a terminal before they leave.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from tovi_server.core.access import Role
from tovi_server.core.reasons import Reason


@dataclass(frozen=True, slots=True)
class Requested:
    """What each task asks for."""

    cpu_millicores: int
    memory_bytes: int
    disk_bytes: int
    gpus: int
    gpu: str | None
    """The models asked for, joined with `/`; None: any."""


@dataclass(frozen=True, slots=True)
class Used:
    """What a task used; None is unknown."""

    cpu_s: float | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class StageView:
    """One stage of a job and how far it is."""

    id: str
    name: str
    state: str
    needs: tuple[str, ...]
    tasks_total: int
    tasks_by_state: Mapping[str, int]
    max_concurrent: int | None
    requested: Requested
    timeout_s: int


@dataclass(frozen=True, slots=True)
class JobView:
    """One job. `stages` and `spec` are empty and None in lists, and for foreign jobs."""

    id: int
    project: str
    name: str
    user: str
    state: str
    held: bool
    reason: Reason | None
    queue: str
    priority: str
    tags: tuple[str, ...]
    note: str
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    exit_code: int | None
    """None until the job is final."""
    requested: Requested | None
    """Of the first stage."""
    stages: tuple[StageView, ...]
    tasks_total: int
    tasks_by_state: Mapping[str, int]
    snapshot: str | None
    spec: str | None
    """The text of its tovi.yaml."""


@dataclass(frozen=True, slots=True)
class AttemptView:
    """One try at a task."""

    id: str
    attempt: int
    node: str
    dispatched_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    reason: Reason | None
    exit_code: int | None
    used: Used


@dataclass(frozen=True, slots=True)
class TaskView:
    """One task; `attempts` is empty in lists."""

    id: str
    job: int
    stage: str
    index: int
    params: Mapping[str, str]
    state: str
    held: bool
    reason: Reason | None
    attempt: int
    node: str | None
    exit_code: int | None
    submitted_at: datetime
    queued_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    requested: Requested
    used: Used
    metrics: Mapping[str, float]
    attempts: tuple[AttemptView, ...] = ()


@dataclass(frozen=True, slots=True)
class FileView:
    """One file of a listing: `path` relative to what is listed, with `/` at the end for folders."""

    path: str
    size_bytes: int
    modified_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What `show ID` answers: the job, and the tasks of the part that was named."""

    job: JobView
    tasks: tuple[TaskView, ...]
    more_tasks: int
    """Tasks beyond those listed."""
    files: tuple[FileView, ...] = ()
    """The snapshot's manifest, when asked for."""


@dataclass(frozen=True, slots=True)
class JobPage:
    """A list of jobs; `next` goes into `Page.before` for the next piece, None at the end."""

    items: tuple[JobView, ...]
    next: int | None


@dataclass(frozen=True, slots=True)
class Submitted:
    """The answer to a submission; `created` is False when its key had been used for the same job before."""

    id: int
    created: bool
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file would do, without having been kept."""

    name: str
    stages: tuple[StageView, ...]
    tasks_total: int
    notices: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Why:
    """Why something waits or ended: `id` and `state` of what was asked, its reasons, most telling first."""

    id: str
    state: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Some bytes of a task's log: whole lines, except where one is longer than a piece or followed as it is written."""

    task: str
    stream: str
    """`out` or `err`."""
    data: bytes
    at: datetime | None = None
    """About when it was written, to a second; None when unknown."""


@dataclass(frozen=True, slots=True)
class LogPart:
    """Bytes of one log from `start` on; none where it has not got so far."""

    start: int
    data: bytes
    size_bytes: int
    """Of the whole log, now."""
    is_final: bool
    """Nothing more will be written."""


@dataclass(frozen=True, slots=True)
class LogMatches:
    """Where a text begins in a log, in bytes, as far as it was searched; at most 1,000 at a time."""

    offsets: tuple[int, ...]
    searched_to: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Waited:
    """The end of a wait: the exit code to end with, and the jobs' states."""

    exit_code: int
    items: tuple[JobView, ...]


@dataclass(frozen=True, slots=True)
class Controlled:
    """What `cancel`, `hold` or `release` did to one thing."""

    id: str
    did: str
    """`cancelled`, `cancelling` (it still runs for its grace), `held`, `released` or `unchanged`."""
    message: str


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of the event stream; `seq` grows, without meaning else."""

    seq: int
    at: datetime
    kind: str
    job: int
    stage: str | None
    index: int | None
    attempt: int | None
    user: str | None
    data: Mapping[str, str | int | float | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class News:
    """Something happened to these jobs, of which the caller may not see all; None: to who knows which."""

    jobs: tuple[int, ...] | None
    ended: tuple[int, ...] = ()
    """Those of them that ended."""


@dataclass(frozen=True, slots=True)
class MetricsRow:
    """The metrics of one task that has some."""

    task: str
    state: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class OutputView:
    """One file that a task left behind; `path` is as over SFTP."""

    task: str
    path: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class FilePage:
    """Some files of a folder, by name; `more` when others come after them."""

    path: str
    items: tuple[FileView, ...]
    more: bool
    writable: bool
    """Whether the caller may change what is in it."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """Bytes of a file from `start` on; none behind its end."""

    start: int
    data: bytes
    size_bytes: int


@dataclass(frozen=True, slots=True)
class DatasetView:
    """A dataset; `files` is empty in lists."""

    name: str
    project: str
    files_total: int
    size_bytes: int
    modified_at: datetime | None
    files: tuple[FileView, ...] = ()


@dataclass(frozen=True, slots=True)
class MemberView:
    user: str
    role: Role


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as the caller sees it; `role` is None for an admin who is no member."""

    name: str
    role: Role | None
    current: bool
    archived: bool
    note: str
    members: tuple[MemberView, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class NodeView:
    """A machine that runs tasks; `free` is what dispatched tasks leave of `capacity`."""

    name: str
    ready: bool
    capacity: Requested
    free: Requested
    tasks: tuple[str, ...]
    """Ids of what runs there, as far as the caller may know them."""
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class QueueView:
    name: str
    queued: int
    running: int


@dataclass(frozen=True, slots=True)
class KeyView:
    fingerprint: str
    line: str
    """In OpenSSH's one-line form, comment included."""
    comment: str
    added_at: datetime
    used_at: datetime | None
    current: bool
    """Whether the caller came with it."""


@dataclass(frozen=True, slots=True)
class UserView:
    name: str
    admin: bool
    disabled: bool
    created_at: datetime
    keys: tuple[KeyView, ...] = ()


@dataclass(frozen=True, slots=True)
class Me:
    """Who the caller is."""

    user: str
    admin: bool
    key: str
    project: str
    """The current one."""
    projects: Mapping[str, Role]
    archived: tuple[str, ...] = ()
    """Those of `projects` that take nothing new."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What a client needs to know of the server."""

    name: str
    version: str
    port: int
    host_keys: tuple[str, ...]
    """Public host keys in OpenSSH form."""
