"""A receiver with the doors onto files, over a real tree in a temporary folder, and the programs used on it."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from tests.ssh_edge import Ended, Server, run, serving
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

KEYS = b"ssh-ed25519 AAAA alice\n"
NEEDED = ("ssh", "scp", "sftp")
MISSING = [program for program in NEEDED if shutil.which(program) is None]


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
    options: Sequence[str] = field(default_factory=tuple)

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
        """`HOST:` in a word becomes this server."""
        there = [word.replace("HOST:", "tovi@127.0.0.1:", 1) for word in words]
        return await run(
            ["scp", *self.server.client_options(key), "-P", str(self.server.port), *there], deadline_s=deadline_s
        )

    async def sftp(self, *commands: str, key: str = "alice") -> Ended:
        """A batch of commands, ended by the first that fails; those that begin with `-` may fail."""
        return await run(self.sftp_words(key), stdin="\n".join(commands).encode() + b"\n")

    def sftp_words(self, key: str = "alice", *more: str) -> list[str]:
        options = self.server.client_options(key)
        return ["sftp", *options, "-P", str(self.server.port), "-b", "-", *more, "tovi@127.0.0.1"]


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
            server.gate.session = lambda caller: cast(ManagerAPI, Self(caller, roles))  # type: ignore[method-assign]
            yield Files(server, data, folder / "here")
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
