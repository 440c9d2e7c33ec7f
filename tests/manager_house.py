"""A manager over the real store in a temporary folder, with people in projects, for tests of the use cases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh

from scheduler.plan import plan
from scheduler.policies.filter import Capacity
from scheduler.policies.order import PriorityFifo
from scheduler.policies.protocols import Policies
from scheduler.policies.score import Binpack
from scheduler.snapshot import Node, Placement, Snapshot
from tests.manager_doorways import Doorway, Enter, direct
from tovi_server.api import ManagerAPI, SubmitOptions
from tovi_server.core import views
from tovi_server.core.access import Caller, Role
from tovi_server.core.events import Exited, Started
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason, Reason
from tovi_server.core.resources import GIB, Resources
from tovi_server.files.datadir import DataDir
from tovi_server.files.tree import Tree
from tovi_server.files.viewing import Viewing
from tovi_server.manager.manager import Manager
from tovi_server.manager.ports import Mark
from tovi_server.manager.settings import Images, ManagerSettings
from tovi_server.manager.users import bootstrap, create
from tovi_server.manager.watch import ChangeFeed
from tovi_server.store.accounts import AccountStore
from tovi_server.store.engine import Database
from tovi_server.store.jobs import JobStore

MORNING = datetime(2026, 3, 1, 8, tzinfo=UTC)
NODE = Node("n1", Resources(cpu_millicores=8000, memory_bytes=32 * GIB, disk_bytes=500 * GIB))
POLICIES = Policies(PriorityFifo(), (Capacity(),), Binpack())
NO_OPTIONS = SubmitOptions()


@dataclass(slots=True)
class Steady:
    """A clock that a test moves."""

    at: datetime = MORNING

    def now(self) -> datetime:
        return self.at


@dataclass(frozen=True, slots=True)
class Kept:
    spec_text: str
    snapshot: str


@dataclass(slots=True)
class FakeLogs:
    """Logs that a test writes."""

    bytes_of: dict[tuple[AttemptId, str], bytes] = field(default_factory=dict)

    def write(self, attempt: AttemptId, data: bytes, stream: str = "out") -> None:
        self.bytes_of[attempt, stream] = self.bytes_of.get((attempt, stream), b"") + data

    def read(self, project: str, attempt: AttemptId, stream: str, offset: int, limit: int) -> bytes:
        return self.bytes_of.get((attempt, stream), b"")[offset : offset + limit]

    def size(self, project: str, attempt: AttemptId, stream: str) -> int:
        return len(self.bytes_of.get((attempt, stream), b""))

    def marks(self, project: str, attempt: AttemptId) -> Sequence[Mark]:
        return ()


@dataclass(slots=True)
class FakeFiles:
    """A data directory in memory. An archive is `TAR` and the text of its tovi.yaml. What SFTP shows is on disk."""

    data: DataDir
    logs: FakeLogs = field(default_factory=FakeLogs)
    received: list[tuple[str, bool]] = field(default_factory=list)
    there: dict[str, list[str]] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)
    names_of_outputs: tuple[str, ...] = ("best.pt",)

    def looks_like_archive(self, first: bytes) -> bool:
        return first.startswith(b"TAR")

    async def receive(self, chunks: AsyncIterable[bytes], *, project: str, keep: bool) -> Kept:
        whole = b"".join([piece async for piece in chunks])
        self.received.append((project, keep))
        return Kept(whole.removeprefix(b"TAR").decode(), "sha256-of-code")

    def create_project(self, name: str) -> None:
        self.folders.append(f"projects/{name}")
        self.data.create_project(name)

    def create_home(self, user: str) -> None:
        self.folders.append(f"home/{user}")
        self.data.create_home(user)

    def datasets(self, project: str) -> Sequence[views.DatasetView]:
        return [views.DatasetView(name, project, 1, 1, None) for name in self.there.get(project, [])]

    def dataset(self, project: str, name: str) -> views.DatasetView | None:
        return next((one for one in self.datasets(project) if one.name == name), None)

    def outputs(self, project: str, tasks: Sequence[TaskId]) -> Sequence[views.OutputView]:
        return [views.OutputView(str(task), name, 1) for task in tasks for name in self.names_of_outputs]

    def files_of(self, me: views.Me, *, authorized_keys: bytes) -> Viewing:
        return Viewing(Tree(self.data, me, authorized_keys=authorized_keys))

    def manifest(self, project: str, job: JobId) -> Sequence[views.FileView]:
        return [views.FileView("train.py", 1)]


def public_key() -> str:
    return _line(_new_key())


def _new_key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode()


async def one_piece(text: str | bytes) -> AsyncIterator[bytes]:
    yield text.encode() if isinstance(text, str) else text


@dataclass(slots=True)
class House:
    """Everybody meets here."""

    jobs: JobStore
    accounts: AccountStore
    files: FakeFiles
    clock: Steady
    changes: ChangeFeed
    manager: Manager
    rings: list[int]
    enter: Enter
    root_key: asyncssh.SSHKey

    async def person(self, name: str, *, admin: bool = False) -> ManagerAPI:
        """A new user with a key, and the door opened for them."""
        key = _new_key()
        await create(self.accounts, self.files, name=name, key=_line(key), admin=admin, now=self.clock.now())
        return await self.enter(Caller(name, admin=admin), key)

    async def root(self) -> ManagerAPI:
        """The door opened for the first user, an admin."""
        return await self.enter(Caller("root", admin=True), self.root_key)

    async def project(self, name: str, members: Mapping[str, Role]) -> None:
        owner, *others = sorted(members, key=lambda user: members[user] is not Role.OWNER)
        await self.accounts.create_project(name, owner=owner, note="", now=self.clock.now())
        for user in others:
            await self.accounts.set_member(name, user, members[user])

    async def dispatch(self, *tasks: str) -> None:
        placements = [Placement(_task(task), NODE.name) for task in tasks]
        recorded = await self.jobs.dispatch(placements, now=self.clock.now())
        assert len(tasks) == len(recorded), "each of the tasks was queued"

    async def start(self, attempt: AttemptId) -> None:
        await self.jobs.record([Started(attempt, self.clock.now())])

    async def end(self, attempt: AttemptId, reason: EndReason = EndReason.OK, exit_code: int | None = 0) -> None:
        await self.jobs.record([Exited(attempt, self.clock.now(), reason, exit_code)])

    async def run(self, task: str, reason: EndReason = EndReason.OK, exit_code: int | None = 0) -> None:
        """From queued to its end."""
        await self.dispatch(task)
        newest = await self.jobs.task(_task(task))
        assert newest is not None
        attempt = AttemptId(newest.id, newest.attempt)
        await self.start(attempt)
        await self.end(attempt, reason, exit_code)


def _task(text: str) -> TaskId:
    job, stage, index = text.split(".")
    return TaskId(JobId(int(job)), stage, int(index))


def attempt_of(text: str) -> AttemptId:
    task, number = text.split("/")
    return AttemptId(_task(task), int(number))


def planned(snapshot: Snapshot) -> Mapping[tuple[JobId, str], Reason]:
    return plan(snapshot, POLICIES).reasons


async def submitted(api: ManagerAPI, text: str | bytes, options: SubmitOptions = NO_OPTIONS) -> int:
    return (await api.submit(options, one_piece(text))).id


@asynccontextmanager
async def open_house(
    folder: Path, doorway: Doorway = direct, *, images: Images = Images.UNUSED
) -> AsyncIterator[House]:
    """With one machine, and `root` as the first user."""
    database, data = Database.open("sqlite:///tovi.db", base=folder), DataDir.create(folder / "data")
    jobs, accounts, files, clock = JobStore(database), AccountStore(database), FakeFiles(data), Steady()
    changes = ChangeFeed(jobs, interval=timedelta(milliseconds=20))
    rings: list[int] = []

    def ring() -> None:
        rings.append(1)
        changes.hint()

    server = views.ServerInfo("tovi.test", "0", 2222, ())
    manager = Manager(
        jobs,
        accounts,
        files,
        settings=ManagerSettings(server=server, most_tasks=1000, images=images),
        clock=clock,
        ring=ring,
        changes=changes,
        planner=planned,
    )
    root_key = _new_key()
    await bootstrap(accounts, files, name="root", key=_line(root_key), now=clock.now())
    await jobs.record_nodes([NODE], now=clock.now())
    feed = asyncio.create_task(changes.run())
    try:
        async with doorway(manager, folder) as enter:
            yield House(jobs, accounts, files, clock, changes, manager, rings, enter, root_key)
    finally:
        feed.cancel()
        await database.close()
        data.close()
