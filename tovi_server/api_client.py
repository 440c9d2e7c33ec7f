"""`RemoteManager`: ManagerAPI over a byte stream to a server, for front ends that run elsewhere."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta

from tovi_server.api import LogOptions, ManagerAPI, SubmitOptions
from tovi_server.api_connection import Connection, Line
from tovi_server.api_wire import ByteReader, ByteWriter
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference


@asynccontextmanager
async def remote_manager(reader: ByteReader, writer: ByteWriter) -> AsyncIterator[ManagerAPI]:
    """Shake hands, and give the manager on the other side until the block ends.

    Raises ToviError: the other side speaks another version. Raises UnavailableError: it does not answer.
    """
    connection = await Connection.open(reader, writer)
    try:
        yield RemoteManager(connection)
    finally:
        await connection.close()


class RemoteManager:
    """Satisfies ManagerAPI. Any number of verbs may be under way at once."""

    def __init__(self, line: Line) -> None:
        self._ask = line.ask
        self._send = line.send
        self._stream = line.stream

    async def me(self) -> views.Me:
        return await self._ask(ManagerAPI.me)

    async def server(self) -> views.ServerInfo:
        return await self._ask(ManagerAPI.server)

    async def submit(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
        return await self._send(ManagerAPI.submit, source, options=options)

    async def check(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Checked:
        return await self._send(ManagerAPI.check, source, options=options)

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        return await self._ask(ManagerAPI.jobs, filter=filter, page=page)

    async def show(
        self, reference: Reference, *, where: Mapping[str, str] | None = None, files: bool = False, limit: int = 200
    ) -> views.Details:
        return await self._ask(ManagerAPI.show, reference=reference, where=where, files=files, limit=limit)

    async def why(self, reference: Reference) -> views.Why:
        return await self._ask(ManagerAPI.why, reference=reference)

    def logs(self, reference: Reference, options: LogOptions) -> AsyncIterator[views.LogPiece]:
        return self._stream(ManagerAPI.logs, reference=reference, options=options)

    async def log_part(
        self, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
    ) -> views.LogPart:
        return await self._ask(
            ManagerAPI.log_part, reference=reference, stream=stream, attempt=attempt, start=start, length=length
        )

    def search_log(
        self, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
    ) -> AsyncIterator[views.LogMatches]:
        return self._stream(
            ManagerAPI.search_log, reference=reference, stream=stream, attempt=attempt, text=text, start=start
        )

    async def wait(self, jobs: tuple[Reference, ...], *, timeout: timedelta | None, any: bool) -> views.Waited:
        return await self._ask(ManagerAPI.wait, jobs=jobs, timeout=timeout, any=any)

    async def cancel(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await self._ask(ManagerAPI.cancel, targets=targets)

    async def hold(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await self._ask(ManagerAPI.hold, targets=targets)

    async def release(self, targets: tuple[Reference, ...]) -> tuple[views.Controlled, ...]:
        return await self._ask(ManagerAPI.release, targets=targets)

    async def rerun(
        self, job: JobId, *, failed: bool, params: Mapping[str, str], key: str | None = None
    ) -> views.Submitted:
        return await self._ask(ManagerAPI.rerun, job=job, failed=failed, params=params, key=key)

    async def annotate(self, job: JobId, *, note: str | None, tags: tuple[str, ...] | None) -> views.JobView:
        return await self._ask(ManagerAPI.annotate, job=job, note=note, tags=tags)

    def events(self, reference: Reference | None, *, follow: bool, after: int = 0) -> AsyncIterator[views.EventView]:
        return self._stream(ManagerAPI.events, reference=reference, follow=follow, after=after)

    def news(self) -> AsyncIterator[views.News]:
        return self._stream(ManagerAPI.news)

    async def metrics(self, reference: Reference) -> tuple[views.MetricsRow, ...]:
        return await self._ask(ManagerAPI.metrics, reference=reference)

    async def outputs(self, reference: Reference) -> tuple[views.OutputView, ...]:
        return await self._ask(ManagerAPI.outputs, reference=reference)

    async def compile(self, source: AsyncIterable[bytes]) -> str:
        return await self._send(ManagerAPI.compile, source)

    async def datasets(self, *, project: str | None) -> tuple[views.DatasetView, ...]:
        return await self._ask(ManagerAPI.datasets, project=project)

    async def dataset(self, name: str, *, project: str | None) -> views.DatasetView:
        return await self._ask(ManagerAPI.dataset, name=name, project=project)

    async def list_files(self, path: str, *, after: str | None, limit: int) -> views.FilePage:
        return await self._ask(ManagerAPI.list_files, path=path, after=after, limit=limit)

    async def read_file(self, path: str, *, start: int, length: int) -> views.FilePart:
        return await self._ask(ManagerAPI.read_file, path=path, start=start, length=length)

    async def remove_file(self, path: str) -> None:
        return await self._ask(ManagerAPI.remove_file, path=path)

    async def rename_file(self, path: str, *, to: str) -> None:
        return await self._ask(ManagerAPI.rename_file, path=path, to=to)

    async def projects(self) -> tuple[views.ProjectView, ...]:
        return await self._ask(ManagerAPI.projects)

    async def project(self, name: str) -> views.ProjectView:
        return await self._ask(ManagerAPI.project, name=name)

    async def create_project(self, name: str, *, note: str) -> views.ProjectView:
        return await self._ask(ManagerAPI.create_project, name=name, note=note)

    async def use_project(self, name: str) -> views.ProjectView:
        return await self._ask(ManagerAPI.use_project, name=name)

    async def set_member(self, project: str, user: str, role: Role) -> views.ProjectView:
        return await self._ask(ManagerAPI.set_member, project=project, user=user, role=role)

    async def remove_member(self, project: str, user: str) -> views.ProjectView:
        return await self._ask(ManagerAPI.remove_member, project=project, user=user)

    async def set_project(self, project: str, *, note: str | None, archived: bool | None) -> views.ProjectView:
        return await self._ask(ManagerAPI.set_project, project=project, note=note, archived=archived)

    async def nodes(self) -> tuple[views.NodeView, ...]:
        return await self._ask(ManagerAPI.nodes)

    async def queues(self) -> tuple[views.QueueView, ...]:
        return await self._ask(ManagerAPI.queues)

    async def keys(self) -> tuple[views.KeyView, ...]:
        return await self._ask(ManagerAPI.keys)

    async def add_key(self, line: str) -> views.KeyView:
        return await self._ask(ManagerAPI.add_key, line=line)

    async def remove_key(self, fingerprint: str) -> views.KeyView:
        return await self._ask(ManagerAPI.remove_key, fingerprint=fingerprint)

    async def preferences(self) -> Mapping[str, str]:
        return await self._ask(ManagerAPI.preferences)

    async def prefer(self, values: Mapping[str, str]) -> None:
        return await self._ask(ManagerAPI.prefer, values=values)

    async def users(self) -> tuple[views.UserView, ...]:
        return await self._ask(ManagerAPI.users)

    async def add_user(self, name: str, *, key: str, admin: bool) -> views.UserView:
        return await self._ask(ManagerAPI.add_user, name=name, key=key, admin=admin)

    async def set_user(self, name: str, *, disabled: bool | None, admin: bool | None) -> views.UserView:
        return await self._ask(ManagerAPI.set_user, name=name, disabled=disabled, admin=admin)

    async def add_user_key(self, name: str, *, key: str) -> views.UserView:
        return await self._ask(ManagerAPI.add_user_key, name=name, key=key)

    async def remove_user_key(self, name: str, *, fingerprint: str) -> views.UserView:
        return await self._ask(ManagerAPI.remove_user_key, name=name, fingerprint=fingerprint)
