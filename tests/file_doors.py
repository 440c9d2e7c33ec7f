"""A receiver with the doors onto files, over a real tree in a temporary folder, and the programs used on it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, cast

from tests.ssh_edge import DEADLINE_S, Ended, Server, run, serving, started
from tovi_server.api import ManagerAPI
from tovi_server.core import views
from tovi_server.core.access import Caller, Role
from tovi_server.files.datadir import DataDir
from tovi_server.files.tree import Tree
from tovi_server.receivers.counter import LocalCounter
from tovi_server.receivers.doors import Doors
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.scp import scp_door
from tovi_server.receivers.sftp import sftp_door

T = TypeVar("T")

KEYS = b"ssh-ed25519 AAAA alice\n"

SLOW = ("-l", "16000")
"""For `scp` and `sftp`: 2 MB/s, slow enough to be cut off halfway."""


@dataclass(frozen=True)
class Self:
    """As much of a ManagerAPI as the doors use."""

    caller: Caller
    roles: Mapping[str, Role]

    async def me(self) -> views.Me:
        user = self.caller.user
        return views.Me(user=user, admin=False, key="", project="lab", projects=self.roles)


@dataclass
class Files:
    """What is served, and clients for it. Paths of clients are as a person would type them after the host's name."""

    server: Server
    data: DataDir
    here: Path
    """A folder on the client's side."""
    counter: LocalCounter

    @property
    def datasets(self) -> Path:
        """Of the project, on the server's disk."""
        return self.data.path("projects", "lab", "datasets")

    def home(self, user: str = "alice") -> Path:
        return self.data.path("home", user)

    def job(self, number: int) -> Path:
        """The folder of a job with a single task, on the server's disk, with outputs that a test may fill."""
        job = self.data.path("projects", "lab", "jobs", str(number))
        outputs = job / "main.0" / "attempts" / "1" / "outputs"
        outputs.mkdir(parents=True)
        (outputs.parent / "stdout.log").write_bytes(b"done\n")
        (job / "only-task").symlink_to("main.0")
        return outputs

    async def scp(self, *words: str, key: str = "alice", deadline_s: float = 20) -> Ended:
        return await run(self.scp_words(*words, key=key), deadline_s=deadline_s)

    async def sftp(self, *commands: str, key: str = "alice") -> Ended:
        """A batch of commands, ended by the first that fails; those that begin with `-` may fail."""
        return await run(self.sftp_words(key=key), stdin="\n".join(commands).encode() + b"\n")

    def sftp_words(self, *more: str, key: str = "alice") -> list[str]:
        """The argument vector of an sftp that reads its commands from standard input."""
        options = self.server.client_options(key)
        return ["sftp", *options, "-P", str(self.server.port), "-b", "-", *more, "tovi@127.0.0.1"]

    def scp_words(self, *words: str, key: str = "alice") -> list[str]:
        """An argument vector; `HOST:` in a word becomes this server."""
        there = [word.replace("HOST:", "tovi@127.0.0.1:", 1) for word in words]
        return ["scp", *self.server.client_options(key), "-P", str(self.server.port), *there]


async def cut_off(words: Sequence[str], folder: Path, *, stdin: bytes = b"", connection: bool) -> None:
    """Begin an upload into `folder`, kill its client, or only its connection, halfway; back when the server knows."""
    async with started(words) as client:
        assert client.stdin is not None
        client.stdin.write(stdin)
        (part,) = await until(lambda: [part for part in parts(folder) if part.stat().st_size >= 1 << 20])
        os.kill(child_of(client.pid) if connection else client.pid, signal.SIGKILL)
        await client.wait()
    await until(lambda: not is_held(part))


def parts(folder: Path) -> list[Path]:
    """Of uploads that are not there yet."""
    return [path for path in folder.iterdir() if path.name.startswith(".tovi-part-")]


def is_held(part: Path) -> bool:
    """Whether an upload goes on."""
    with part.open("rb") as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


async def until(found: Callable[[], T]) -> T:
    """Wait until there is something to be found."""
    async with asyncio.timeout(DEADLINE_S):
        while not (it := found()):
            await asyncio.sleep(0.005)
    return it


def child_of(pid: int) -> int:
    """The ssh that a copying program started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])


@contextlib.asynccontextmanager
async def files_served(
    folder: Path, *, users: Sequence[str] = ("alice",), role: Role = Role.MEMBER, most_handles: int = 256
) -> AsyncIterator[Files]:
    """A receiver with a project `lab` of `users`, and a home for each."""
    (folder / "edge").mkdir()
    (folder / "here").mkdir()
    data = DataDir.create(folder / "data")
    data.create_project("lab")
    for user in users:
        data.create_home(user)
    roles = {"lab": role}

    async def open_tree(manager: ManagerAPI) -> Tree:
        return Tree(data, await manager.me(), authorized_keys=KEYS)

    threads, counter = FileThreads(4), LocalCounter()
    doors = Doors(
        sftp=sftp_door(open_tree, threads, counter, most_handles=most_handles),
        scp=scp_door(open_tree, threads, counter, most_handles=most_handles),
    )
    try:
        async with serving(folder / "edge", doors=doors, counter=counter, users=users) as server:
            server.gate.session = lambda caller: cast(ManagerAPI, Self(caller, roles))  # type: ignore[method-assign]  # a fake
            yield Files(server, data, folder / "here", counter)
    finally:
        threads.close()
        data.close()


def fill(folder: Path) -> Path:
    """A folder with names and contents that have upset programs before."""
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "empty").write_bytes(b"")
    (folder / "two words").write_bytes(b"spaces\n")
    (folder / 'it\'s "quoted" $HOME `x`').write_bytes(b"quotes\n")
    (folder / "ünï-日本 \U0001f600").write_bytes(b"unicode\n")
    (folder / "-rf").write_bytes(b"a leading dash\n")
    (folder / "deep" / "er" / "big").write_bytes(os.urandom(3_000_001))
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def plant_links(place: Path, outside: Path) -> None:
    """Ways out, as a job could make them."""
    for name in ("hidden-inside", "never-listed"):
        (outside / "folder" / name).touch()
    (place / "absolute").symlink_to(outside / "secret")
    (place / "relative").symlink_to(os.path.relpath(outside / "secret", place))
    (place / "folder").symlink_to(outside / "folder")
    (place / "chain").symlink_to("relative")
    (place / "magic").symlink_to("/proc/self/root/etc/passwd")


def state(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Of a tree, so that any change shows."""
    found = {str(path): path.lstat() for path in (folder, *folder.rglob("*"))}
    return {path: (stat.st_ino, stat.st_mode, stat.st_ctime_ns) for path, stat in found.items()}
