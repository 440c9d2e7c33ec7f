"""A data directory in a temporary folder, with people in a project, for tests of the files."""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from scheduler.ports import Owner
from scheduler.snapshot import Active
from tovi_server.core import spec_reader, views
from tovi_server.core.access import Role
from tovi_server.core.events import Exited
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.job import Frozen
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import Resources
from tovi_server.core.states import TaskState
from tovi_server.files.attempts import AttemptFolders
from tovi_server.files.beneath import KernelResolver, Resolver, WalkResolver
from tovi_server.files.datadir import DataDir
from tovi_server.files.orders import Rules
from tovi_server.files.tree import Tree

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
AUTHORIZED_KEYS = b"ssh-ed25519 AAAA ada@laptop\n"
RESOLVERS: Mapping[str, Resolver] = {"kernel": KernelResolver(), "walk": WalkResolver()}


def a_data_dir(folder: Path, *, resolver: str = "kernel") -> DataDir:
    """With the project `lens` and a home of `ada`."""
    DataDir.create(folder / "data").close()
    data = DataDir(folder / "data", resolver=RESOLVERS[resolver])
    data.create_project("lens")
    data.create_home("ada")
    return data


def a_tree(data: DataDir, user: str = "ada", *, archived: bool = False, admin: bool = False, **roles: Role) -> Tree:
    """A member's, unless roles say else; `lens` is the current project."""
    projects = roles or {"lens": Role.MEMBER}
    me = views.Me(user, admin, "SHA256:x", "lens", projects, ("lens",) if archived else ())
    return Tree(data, me, authorized_keys=AUTHORIZED_KEYS)


def put(tree: Tree, path: bytes, content: bytes = b"hello") -> None:
    upload = tree.upload(path)
    upload.write_at(0, content)
    upload.commit()


def get(tree: Tree, path: bytes) -> bytes:
    with open(tree.open_read(path), "rb") as file:
        return file.read()


def names(tree: Tree, path: bytes) -> list[bytes]:
    return sorted(name for name, _ in tree.list(path))


def open_descriptors() -> int:
    """How many this process holds: to see that none leaks."""
    return len(os.listdir("/proc/self/fd"))


async def pieces(whole: bytes, size: int = 7000) -> AsyncIterator[bytes]:
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


def attempt(job: int = 1, stage: str = "main", index: int = 0, number: int = 1) -> AttemptId:
    return AttemptId(TaskId(JobId(job), stage, index), number)


def exited(attempt: AttemptId, reason: EndReason = EndReason.OK, code: int | None = 0) -> Exited:
    return Exited(attempt, NOON, reason, code)


@dataclass(slots=True)
class Jobs:
    """Frozen jobs that a test wrote, and the folders of their attempts."""

    data: DataDir
    owner: Owner = Owner(None, None)
    frozen: dict[int, Frozen] = field(default_factory=dict)
    asked: int = 0
    in_pods: bool = False

    def add(self, text: str, *, job: int = 1, snapshot: str | None = None, origin: int | None = None) -> None:
        spec = spec_reader.read_spec(text)
        before = None if origin is None else JobId(origin)
        self.frozen[job] = Frozen(JobId(job), "lens", "ada", "name", spec, text, snapshot, before)

    def folders(self) -> AttemptFolders:
        """As after a start of the server: nothing is remembered."""

        async def frozen(job: JobId) -> Frozen:
            self.asked += 1
            return self.frozen[job]

        async def owner(project: str, user: str) -> Owner:
            return self.owner

        rules = Rules(timedelta(seconds=30), log_limit_bytes=1000, in_pods=self.in_pods)
        return AttemptFolders(self.data, frozen=frozen, owner=owner, rules=rules)


def active(attempt: AttemptId) -> Active:
    return Active(
        attempt=attempt,
        state=TaskState.STARTING,
        project="lens",
        user="ada",
        node="n1",
        request=Resources(cpu_millicores=1000, gpus=2),
        gpu_ids=(0, 1),
        timeout=timedelta(hours=1),
        dispatched_at=NOON,
        started_at=None,
        cancel_requested=False,
    )


def refusal(work: Callable[[], object]) -> str:
    """The name of the error number that some work is refused with."""
    try:
        work()
    except OSError as error:
        return errno.errorcode[error.errno or 0]
    raise AssertionError("it was not refused")
