"""A ManagerAPI that answers from memory and remembers what it was asked, and Streams that are lists of bytes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tovi_server.api import LogOptions, SubmitOptions
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.errors import NotFoundError, ToviError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.reasons import Reason

NOW = datetime(2026, 1, 31, 12, 0, 0, tzinfo=UTC)
ASKED = views.Requested(cpu_millicores=4000, memory_bytes=16 * 2**30, disk_bytes=10 * 2**30, gpus=1, gpu="h100")
NOTHING_USED = views.Used(cpu_s=None, memory_bytes=None)


def a_stage(name: str = "main", **changes: object) -> views.StageView:
    stage = views.StageView(
        id=f"12.{name}",
        name=name,
        state="running",
        needs=(),
        tasks_total=1,
        tasks_by_state={"running": 1},
        max_concurrent=None,
        requested=ASKED,
        timeout_s=86400,
    )
    return replace(stage, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def a_job(number: int = 12, **changes: object) -> views.JobView:
    job = views.JobView(
        id=number,
        project="lens",
        name="sweep",
        user="ada",
        state="running",
        held=False,
        reason=None,
        queue="default",
        priority="normal",
        tags=("paper",),
        note="",
        submitted_at=NOW - timedelta(hours=2),
        started_at=NOW - timedelta(hours=1, minutes=12),
        ended_at=None,
        exit_code=None,
        requested=ASKED,
        stages=(),
        tasks_total=1,
        tasks_by_state={"running": 1},
        snapshot=None,
        spec=None,
    )
    return replace(job, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def a_task(index: int = 0, stage: str = "main", **changes: object) -> views.TaskView:
    task = views.TaskView(
        id=f"12.{stage}.{index}",
        job=12,
        stage=stage,
        index=index,
        params={},
        state="running",
        held=False,
        reason=None,
        attempt=1,
        node="node-1",
        exit_code=None,
        submitted_at=NOW - timedelta(hours=2),
        queued_at=NOW - timedelta(hours=2),
        started_at=NOW - timedelta(hours=1),
        ended_at=None,
        requested=ASKED,
        used=NOTHING_USED,
        metrics={},
    )
    return replace(task, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def an_attempt(number: int = 1, **changes: object) -> views.AttemptView:
    attempt = views.AttemptView(
        id=f"12.main.0/{number}",
        attempt=number,
        node="node-1",
        dispatched_at=NOW - timedelta(hours=1),
        started_at=NOW - timedelta(hours=1),
        ended_at=NOW,
        reason=Reason("error", "the program ended with exit code 3"),
        exit_code=3,
        used=views.Used(cpu_s=61.5, memory_bytes=2**30),
    )
    return replace(attempt, **changes)  # type: ignore[arg-type]  # tests name the fields they change


def an_event(seq: int = 1, **changes: object) -> views.EventView:
    event = views.EventView(
        seq=seq, at=NOW, kind="started", job=12, stage="main", index=0, attempt=1, user=None, data={"node": "node-1"}
    )
    return replace(event, **changes)  # type: ignore[arg-type]  # tests name the fields they change


PROJECT = views.ProjectView(
    name="lens",
    role=Role.OWNER,
    current=True,
    archived=False,
    note="lenses",
    members=(views.MemberView("ada", Role.OWNER), views.MemberView("bob", Role.MEMBER)),
    created_at=NOW - timedelta(days=30),
)
KEY = views.KeyView(
    fingerprint="SHA256:abc",
    line="ssh-ed25519 AAAA ada@laptop",
    comment="ada@laptop",
    added_at=NOW - timedelta(days=30),
    used_at=NOW,
    current=True,
)
USER = views.UserView(name="ada", admin=True, disabled=False, created_at=NOW - timedelta(days=30), keys=(KEY,))
DATASET = views.DatasetView(
    name="scans",
    project="lens",
    files_total=1,
    size_bytes=1536,
    modified_at=NOW,
    files=(views.FileView("a.nii", 1536, NOW),),
)
NODE = views.NodeView(
    name="node-1",
    ready=True,
    capacity=replace(ASKED, cpu_millicores=8000),
    free=ASKED,
    tasks=("12.main.0",),
    seen_at=NOW,
)


@dataclass
class FakeManager:
    """Answers with its fields; `asked` holds every call as (verb, arguments)."""

    job_list: tuple[views.JobView, ...] = ()
    next: int | None = None
    details: views.Details = field(default_factory=lambda: views.Details(a_job(), (a_task(),), 0))
    pieces: tuple[views.LogPiece, ...] = ()
    event_list: tuple[views.EventView, ...] = ()
    metrics_rows: tuple[views.MetricsRow, ...] = ()
    waited: views.Waited = field(default_factory=lambda: views.Waited(0, (a_job(state="succeeded", exit_code=0),)))
    why_answer: views.Why = field(
        default_factory=lambda: views.Why(
            "12", "queued", (Reason("resources", "needs 4 gpus; 3 are free", {"gpus": 4}),)
        )
    )
    error: ToviError | None = None
    """Raised by every verb."""
    endless: bool = False
    """Logs and events never end."""
    asked: list[tuple[str, Any]] = field(default_factory=list)
    told: asyncio.Queue[views.News] = field(default_factory=asyncio.Queue)
    """What `news` gives after its first, that anything may have changed."""
    log_bytes: dict[tuple[str, str], bytes] = field(default_factory=dict)
    """By the id of a task, and out or err."""
    files: dict[str, bytes] = field(default_factory=lambda: {"datasets/scans/a.nii": b"0" * 1536})
    """By path, without a slash in front."""
    files_writable: bool = True
    preferred: dict[str, str] = field(default_factory=dict)
    received: bytes = b""
    closed: list[str] = field(default_factory=list)
    """Streams that were closed."""

    def _note(self, verb: str, arguments: object = None) -> None:
        self.asked.append((verb, arguments))
        if self.error is not None:
            raise self.error

    async def _drink(self, source: AsyncIterable[bytes]) -> None:
        async for data in source:
            self.received += data

    async def me(self) -> views.Me:
        self._note("me")
        return views.Me(user="ada", admin=True, key="SHA256:abc", project="lens", projects={"lens": Role.OWNER})

    async def server(self) -> views.ServerInfo:
        self._note("server")
        return views.ServerInfo("tovi.cluster", "0.1.0", 2222, ("ssh-ed25519 AAAAhost",))

    async def submit(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
        self._note("submit", options)
        await self._drink(source)
        return views.Submitted(12, created=True, notices=("image is ignored here",))

    async def check(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
        self._note("check", options)
        await self._drink(source)
        return views.Checked("sweep", (a_stage(),), 1, ())

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        self._note("jobs", (filter, page))
        return views.JobPage(self.job_list, self.next)

    async def show(
        self, reference: Reference, *, where: Mapping[str, str] | None = None, files: bool = False, limit: int = 200
    ) -> views.Details:
        self._note("show", (reference, where, files, limit))
        if reference.job == 404:
            raise NotFoundError(f"there is no {reference}", hint="`jobs` lists yours")
        return self.details

    async def why(self, reference: Reference) -> views.Why:
        self._note("why", reference)
        return self.why_answer

    async def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
        self._note("logs", (reference, options))
        try:
            for piece in self.pieces:
                yield piece
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed.append("logs")

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        self._note("log_part", (reference, stream, attempt, start, length))
        log = self.log_bytes.get((str(reference), stream), b"")
        first = max(0, len(log) + start) if start < 0 else start
        return views.LogPart(first, log[first : first + length], len(log), not self.endless)

    async def search_log(
        self, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
    ) -> AsyncIterator[views.LogMatches]:
        self._note("search_log", (reference, stream, attempt, text, start))
        log, wanted = self.log_bytes.get((str(reference), stream), b"").lower(), text.encode().lower()
        found = tuple(at for at in range(start, len(log)) if log.startswith(wanted, at))
        yield views.LogMatches(found, len(log), len(log))

    async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
        self._note("wait", (jobs, timeout, any))
        return self.waited

    async def cancel(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        self._note("cancel", targets)
        return tuple(views.Controlled(str(target), "cancelled", "") for target in targets)

    async def hold(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        self._note("hold", targets)
        return tuple(views.Controlled(str(target), "held", "") for target in targets)

    async def release(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        self._note("release", targets)
        return tuple(views.Controlled(str(target), "unchanged", "it was not held") for target in targets)

    async def rerun(
        self, job: JobId, *, failed: bool, params: Mapping[str, str], key: str | None = None
    ) -> views.Submitted:
        self._note("rerun", (job, failed, params, key))
        return views.Submitted(13, created=True, notices=())

    async def annotate(self, job: JobId, *, note: str | None, tags: tuple[str, ...] | None) -> views.JobView:
        self._note("annotate", (job, note, tags))
        found = next((one for one in self.job_list if one.id == job), a_job(job))
        return replace(found, note=found.note if note is None else note, tags=found.tags if tags is None else tags)

    async def events(
        self, reference: Reference | None, *, follow: bool, after: int = 0
    ) -> AsyncIterator[views.EventView]:
        self._note("events", (reference, follow, after))
        try:
            for event in self.event_list:
                yield event
            if self.endless:
                await asyncio.Event().wait()
        finally:
            self.closed.append("events")

    async def news(self) -> AsyncIterator[views.News]:
        self._note("news")
        yield views.News(None)
        while True:
            yield await self.told.get()

    async def metrics(self, reference: Reference) -> tuple[views.MetricsRow, ...]:
        self._note("metrics", reference)
        return self.metrics_rows

    async def outputs(self, reference: Reference) -> tuple[views.OutputView, ...]:
        self._note("outputs", reference)
        return (views.OutputView("12.main.0", "jobs/12/main.0/outputs/best.pt", 2**20),)

    async def compile(self, source: AsyncIterable[bytes]) -> str:
        self._note("compile")
        await self._drink(source)
        return "#!/bin/sh\necho hello\n"

    async def datasets(self, *, project: str | None) -> tuple[views.DatasetView, ...]:
        self._note("datasets", project)
        return (replace(DATASET, files=()),)

    async def dataset(self, name: str, *, project: str | None) -> views.DatasetView:
        self._note("dataset", (name, project))
        return DATASET

    async def list_files(self, path: str, *, after: str | None, limit: int) -> views.FilePage:
        self._note("list_files", (path, after, limit))
        above = f"{path.strip('/')}/" if path.strip("/") else ""
        inner = {name.removeprefix(above).partition("/") for name in self.files if name.startswith(above)}
        names = sorted({f"{name}{slash}" for name, slash, _ in inner if after is None or name > after.rstrip("/")})
        items = tuple(views.FileView(name, len(self.files.get(above + name, b"")), NOW) for name in names)
        return views.FilePage(path, items[:limit], len(items) > limit, self.files_writable)

    async def read_file(self, path: str, *, start: int, length: int) -> views.FilePart:
        self._note("read_file", (path, start, length))
        if path.strip("/") not in self.files:
            raise NotFoundError(f"{path}: No such file or directory")
        data = self.files[path.strip("/")]
        return views.FilePart(start, data[start : start + length], len(data))

    async def remove_file(self, path: str) -> None:
        self._note("remove_file", path)
        gone = [name for name in self.files if f"{name}/".startswith(f"{path.strip('/')}/")]
        self.files = {name: data for name, data in self.files.items() if name not in gone}

    async def rename_file(self, path: str, *, to: str) -> None:
        self._note("rename_file", (path, to))
        old, new = path.strip("/"), to.strip("/")
        self.files = {
            new + name.removeprefix(old) if f"{name}/".startswith(f"{old}/") else name: data
            for name, data in self.files.items()
        }

    async def projects(self) -> tuple[views.ProjectView, ...]:
        self._note("projects")
        return (PROJECT,)

    async def project(self, name: str) -> views.ProjectView:
        self._note("project", name)
        return PROJECT

    async def create_project(self, name: str, *, note: str) -> views.ProjectView:
        self._note("create_project", (name, note))
        return replace(PROJECT, name=name, note=note)

    async def use_project(self, name: str) -> views.ProjectView:
        self._note("use_project", name)
        return PROJECT

    async def set_member(self, project: str, user: str, role: Role) -> views.ProjectView:
        self._note("set_member", (project, user, role))
        return PROJECT

    async def remove_member(self, project: str, user: str) -> views.ProjectView:
        self._note("remove_member", (project, user))
        return PROJECT

    async def set_project(self, project: str, *, note: str | None, archived: bool | None) -> views.ProjectView:
        self._note("set_project", (project, note, archived))
        return replace(PROJECT, archived=bool(archived))

    async def nodes(self) -> tuple[views.NodeView, ...]:
        self._note("nodes")
        return (NODE,)

    async def queues(self) -> tuple[views.QueueView, ...]:
        self._note("queues")
        return (views.QueueView("default", queued=3, running=2),)

    async def keys(self) -> tuple[views.KeyView, ...]:
        self._note("keys")
        return (KEY,)

    async def add_key(self, line: str) -> views.KeyView:
        self._note("add_key", line)
        return KEY

    async def remove_key(self, fingerprint: str) -> views.KeyView:
        self._note("remove_key", fingerprint)
        return KEY

    async def preferences(self) -> Mapping[str, str]:
        self._note("preferences")
        return dict(self.preferred)

    async def prefer(self, values: Mapping[str, str]) -> None:
        self._note("prefer", values)
        self.preferred = {name: value for name, value in {**self.preferred, **values}.items() if value}

    async def users(self) -> tuple[views.UserView, ...]:
        self._note("users")
        return (USER, replace(USER, name="bob", admin=False, disabled=True))

    async def add_user(self, name: str, *, key: str, admin: bool) -> views.UserView:
        self._note("add_user", (name, key, admin))
        return replace(USER, name=name, admin=admin)

    async def set_user(self, name: str, *, disabled: bool | None, admin: bool | None) -> views.UserView:
        self._note("set_user", (name, disabled, admin))
        return replace(USER, name=name, disabled=bool(disabled))

    async def add_user_key(self, name: str, *, key: str) -> views.UserView:
        self._note("add_user_key", (name, key))
        return replace(USER, name=name)

    async def remove_user_key(self, name: str, *, fingerprint: str) -> views.UserView:
        self._note("remove_user_key", (name, fingerprint))
        return replace(USER, name=name)


@dataclass
class FakeStreams:
    """`typed` is standard input; `out` and `err` fill with what was written."""

    typed: tuple[bytes, ...] = ()
    columns: int | None = None
    colour: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin_is_terminal: bool = False
    out: bytes = b""
    err: bytes = b""

    async def read(self) -> AsyncIterator[bytes]:
        for data in self.typed:
            yield data
        if self.stdin_is_terminal:
            await asyncio.Event().wait()

    async def write(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.out += data

    async def write_error(self, data: bytes) -> None:
        await asyncio.sleep(0)
        self.err += data

    @property
    def stdout(self) -> str:
        return self.out.decode()

    @property
    def stderr(self) -> str:
        return self.err.decode()
