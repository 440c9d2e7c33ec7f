"""`Manager`, which opens the door, and `Session`, the door: each verb leads to the module of its subject."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from datetime import timedelta
from functools import partial

from scheduler.ports import Clock
from tovi_server.api import LogOptions, ManagerAPI, SubmitOptions
from tovi_server.core import views
from tovi_server.core.access import Caller, Role
from tovi_server.core.events import Kind
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.manager import (
    compilation,
    control,
    data,
    events,
    keys,
    lists,
    log_parts,
    logs,
    machines,
    news,
    notes,
    projects,
    rerun,
    show,
    submit,
    tree,
    users,
    wait,
    why,
)
from tovi_server.manager.desk import Desk
from tovi_server.manager.key_use import KeyUse
from tovi_server.manager.picture import Pictures
from tovi_server.manager.ports import Files, Planner
from tovi_server.manager.settings import ManagerSettings
from tovi_server.manager.watch import ChangeFeed
from tovi_server.store.accounts import AccountStore
from tovi_server.store.jobs import JobStore


class Manager:
    """Satisfies `api.Gate`. One for a process."""

    def __init__(
        self,
        jobs: JobStore,
        accounts: AccountStore,
        files: Files,
        *,
        settings: ManagerSettings,
        clock: Clock,
        ring: Callable[[], None],
        changes: ChangeFeed,
        planner: Planner,
    ) -> None:
        self._accounts = accounts
        self._key_use = KeyUse(accounts, clock)
        self._desk = partial(
            Desk,
            jobs=jobs,
            accounts=accounts,
            files=files,
            settings=settings,
            clock=clock,
            ring=ring,
            changes=changes,
            pictures=Pictures(jobs, planner),
        )

    async def caller_by_key(self, fingerprint: str) -> Caller | None:
        owner = await self._accounts.key_owner(fingerprint)
        if owner is None or owner[1]:
            return None
        user = await self._accounts.user(owner[0])
        return None if user is None else Caller(user.name, admin=user.admin, key=fingerprint)

    async def still_valid(self, caller: Caller) -> bool:
        """Also False when the admin role was given or taken since: what a connection may do never changes under it."""
        if caller.key:
            return await self.caller_by_key(caller.key) == caller
        user = await self._accounts.user(caller.user)
        return user is not None and not user.disabled

    async def logged_in(self, caller: Caller) -> None:
        await self._key_use.note(caller.key)

    def session(self, caller: Caller) -> ManagerAPI:
        return Session(self._desk(caller))


class Session:
    """Satisfies `api.ManagerAPI` for one caller."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def me(self) -> views.Me:
        return await projects.me(self._desk)

    async def server(self) -> views.ServerInfo:
        return self._desk.settings.server

    async def submit(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
        return await submit.submit(self._desk, options, source)

    async def check(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
        return await submit.check(self._desk, options, source)

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        return await lists.jobs(self._desk, filter, page)

    async def show(
        self, reference: Reference, *, where: Mapping[str, str] | None = None, files: bool = False, limit: int = 200
    ) -> views.Details:
        return await show.show(self._desk, reference, where=where or {}, files=files, limit=limit)

    async def why(self, reference: Reference) -> views.Why:
        return await why.why(self._desk, reference)

    def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
        return logs.logs(self._desk, reference, options)

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        return await log_parts.part(self._desk, reference, stream=stream, attempt=attempt, start=start, length=length)

    def search_log(
        self, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
    ) -> AsyncIterator[views.LogMatches]:
        return log_parts.search(self._desk, reference, stream=stream, attempt=attempt, text=text, start=start)

    async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
        return await wait.wait(self._desk, jobs, timeout=timeout, any=any)

    async def cancel(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await control.request(self._desk, Kind.CANCEL_REQUESTED, targets)

    async def hold(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await control.request(self._desk, Kind.HELD, targets)

    async def release(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await control.request(self._desk, Kind.RELEASED, targets)

    async def rerun(
        self, job: JobId, *, failed: bool, params: Mapping[str, str], key: str | None = None
    ) -> views.Submitted:
        return await rerun.rerun(self._desk, job, failed=failed, params=params, key=key)

    async def annotate(self, job: JobId, *, note: str | None, tags: tuple[str, ...] | None) -> views.JobView:
        return await notes.annotate(self._desk, job, note=note, tags=tags)

    def events(self, reference: Reference | None, *, follow: bool, after: int = 0) -> AsyncIterator[views.EventView]:
        return events.events(self._desk, reference, follow=follow, after=after)

    def news(self) -> AsyncIterator[views.News]:
        return news.news(self._desk)

    async def metrics(self, reference: Reference) -> tuple[views.MetricsRow, ...]:
        return await data.metrics(self._desk, reference)

    async def outputs(self, reference: Reference) -> tuple[views.OutputView, ...]:
        return await data.outputs(self._desk, reference)

    async def compile(self, source: AsyncIterable[bytes]) -> str:
        return await compilation.compile_source(source)

    async def datasets(self, *, project: str | None) -> tuple[views.DatasetView, ...]:
        return await data.datasets(self._desk, project)

    async def dataset(self, name: str, *, project: str | None) -> views.DatasetView:
        return await data.dataset(self._desk, name, project)

    async def list_files(self, path: str, *, after: str | None, limit: int) -> views.FilePage:
        return await tree.list_files(self._desk, path, after=after, limit=limit)

    async def read_file(self, path: str, *, start: int, length: int) -> views.FilePart:
        return await tree.read_file(self._desk, path, start=start, length=length)

    async def remove_file(self, path: str) -> None:
        await tree.remove_file(self._desk, path)

    async def rename_file(self, path: str, *, to: str) -> None:
        await tree.rename_file(self._desk, path, to=to)

    async def projects(self) -> tuple[views.ProjectView, ...]:
        return await projects.projects(self._desk)

    async def project(self, name: str) -> views.ProjectView:
        return await projects.project(self._desk, name)

    async def create_project(self, name: str, *, note: str) -> views.ProjectView:
        return await projects.create(self._desk, name, note=note)

    async def use_project(self, name: str) -> views.ProjectView:
        return await projects.use(self._desk, name)

    async def set_member(self, project: str, user: str, role: Role) -> views.ProjectView:
        return await projects.set_member(self._desk, project, user, role)

    async def remove_member(self, project: str, user: str) -> views.ProjectView:
        return await projects.remove_member(self._desk, project, user)

    async def set_project(self, project: str, *, note: str | None, archived: bool | None) -> views.ProjectView:
        return await projects.change(self._desk, project, note=note, archived=archived)

    async def nodes(self) -> tuple[views.NodeView, ...]:
        return await machines.nodes(self._desk)

    async def queues(self) -> tuple[views.QueueView, ...]:
        return await machines.queues(self._desk)

    async def keys(self) -> tuple[views.KeyView, ...]:
        return await keys.keys(self._desk)

    async def add_key(self, line: str) -> views.KeyView:
        return await keys.add(self._desk, line)

    async def remove_key(self, fingerprint: str) -> views.KeyView:
        return await keys.remove(self._desk, fingerprint)

    async def preferences(self) -> Mapping[str, str]:
        return await self._desk.accounts.preferences(self._desk.caller.user)

    async def prefer(self, values: Mapping[str, str]) -> None:
        await self._desk.accounts.prefer(self._desk.caller.user, values)

    async def users(self) -> tuple[views.UserView, ...]:
        return await users.users(self._desk)

    async def add_user(self, name: str, *, key: str, admin: bool) -> views.UserView:
        return await users.add(self._desk, name, key=key, admin=admin)

    async def set_user(self, name: str, *, disabled: bool | None, admin: bool | None) -> views.UserView:
        return await users.change(self._desk, name, disabled=disabled, admin=admin)

    async def add_user_key(self, name: str, *, key: str) -> views.UserView:
        return await users.add_key(self._desk, name, key=key)

    async def remove_user_key(self, name: str, *, fingerprint: str) -> views.UserView:
        return await users.remove_key(self._desk, name, fingerprint=fingerprint)
