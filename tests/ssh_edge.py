"""A receiver in the test's own event loop, with a small gate behind it, and the real OpenSSH in front of it."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import socket
import subprocess
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import cast

import asyncssh

from tovi_server.api import Gate, ManagerAPI
from tovi_server.core.access import Caller
from tovi_server.receivers import host_keys
from tovi_server.receivers.algorithms import Profile
from tovi_server.receivers.counter import Counter, LocalCounter
from tovi_server.receivers.doors import Doors
from tovi_server.receivers.settings import Limits, ReceiverSettings
from tovi_server.receivers.ssh_server import SshReceiver
from tovi_server.receivers.tui_host import TuiHost
from tovi_server.receivers.tui_zygote import TuiZygote
from tovi_server.streams import RunCommand, Streams

DEADLINE_S = 20


@dataclass
class KeyList:
    """A gate that knows keys by fingerprint, and remembers what it was asked."""

    users: dict[str, str] = field(default_factory=dict)
    lookups: list[str] = field(default_factory=list)
    opened: list[Caller] = field(default_factory=list)
    used: list[str] = field(default_factory=list)

    async def caller_by_key(self, fingerprint: str) -> Caller | None:
        self.lookups.append(fingerprint)
        user = self.users.get(fingerprint)
        return None if user is None else Caller(user, key=fingerprint)

    async def still_valid(self, caller: Caller) -> bool:
        return self.users.get(caller.key) == caller.user

    async def logged_in(self, caller: Caller) -> None:
        self.used.append(caller.key)

    def session(self, caller: Caller) -> ManagerAPI:
        """The caller stands for their door: tests look at no more."""
        self.opened.append(caller)
        return cast(ManagerAPI, caller)


@dataclass(frozen=True)
class Ended:
    """How a client program ended."""

    code: int
    out: bytes
    err: bytes


@dataclass
class Server:
    """A running receiver and how to reach it."""

    port: int
    gate: KeyList
    receiver: SshReceiver
    counter: Counter
    folder: Path
    serving: asyncio.Task[None]

    def ssh(self, *words: str, key: str = "alice", options: Sequence[str] = ()) -> list[str]:
        """The argument vector of a plain client with one of the test's keys."""
        return ["ssh", *self.client_options(key), *options, "-p", str(self.port), "tovi@127.0.0.1", *words]

    def client_options(self, key: str = "alice") -> list[str]:
        settings = ("StrictHostKeyChecking=yes", f"UserKnownHostsFile={self.folder}/known_hosts", "BatchMode=yes")
        return [
            *("-F", "/dev/null", "-i", f"{self.folder}/{key}", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none"),
            *(word for setting in settings for word in ("-o", setting)),
        ]

    async def run(self, *words: str, key: str = "alice", options: Sequence[str] = (), stdin: bytes = b"") -> Ended:
        return await run(self.ssh(*words, key=key, options=options), stdin=stdin)


async def run(arguments: Sequence[str], *, stdin: bytes = b"", deadline_s: float = DEADLINE_S) -> Ended:
    """Run a program to its end."""
    async with started(arguments) as process, asyncio.timeout(deadline_s):
        out, err = await process.communicate(stdin)
        return Ended(await process.wait(), out, err)


@contextlib.asynccontextmanager
async def started(arguments: Sequence[str]) -> AsyncIterator[asyncio.subprocess.Process]:
    """A running program with pipes to it; killed at the end if it still runs."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*arguments, stdin=pipe, stdout=pipe, stderr=pipe)
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def make_key(folder: Path, name: str, kind: str = "ed25519") -> str:
    """A fresh client key; its fingerprint."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", folder / name], check=True)
    listed = subprocess.run(["ssh-keygen", "-l", "-f", folder / name], check=True, capture_output=True, text=True)
    return listed.stdout.split()[1]


async def echo(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
    """A command line that prints its words, one a line."""
    await streams.write("".join(f"{word}\n" for word in words).encode())
    return 0


async def greet(api: ManagerAPI) -> str:
    return f"hello {cast(Caller, api).user}\n"


@contextlib.asynccontextmanager
async def serving(
    folder: Path,
    *,
    run_command: RunCommand = echo,
    limits: Limits | None = None,
    doors: Doors | None = None,
    counter: Counter | None = None,
    profile: Profile = Profile.COMPATIBLE,
    users: Sequence[str] = ("alice",),
    behind: Gate | None = None,
    tui: Sequence[str] = (),
) -> AsyncIterator[Server]:
    """A receiver with a key for each of `users`, rechecking ten times a second; drained at the end.

    `behind` it may be another gate than a small one; that one then knows its users itself. `tui` are the words that
    start what terminal UIs are forked from.
    """
    if not (folder / "ssh_host_rsa_key").exists():
        host_keys.create(folder)
    gate = KeyList({make_key(folder, user): user for user in users})
    counter, limits = counter or LocalCounter(), limits or Limits()
    zygote = TuiZygote(tui, user="")
    receiver = SshReceiver(
        behind or gate,
        settings=ReceiverSettings(folder, limits=limits, profile=profile, recheck_interval=timedelta(seconds=0.1)),
        run_command=run_command,
        welcome=greet,
        counter=counter,
        doors=doors or Doors(),
        tui=TuiHost(zygote, counter, limits) if tui else None,
    )
    sock = socket.create_server(("127.0.0.1", 0))
    port = sock.getsockname()[1]
    known = "".join(f"[127.0.0.1]:{port} {line}\n" for line in host_keys.public_lines(folder))
    (folder / "known_hosts").write_text(known)
    task = asyncio.create_task(receiver.serve(sock))
    try:
        yield Server(port, gate, receiver, counter, folder, task)
    finally:
        try:
            await receiver.drain(0)
            await task
        finally:
            await zygote.close()


def with_limits(**changes: object) -> Limits:
    """The default limits but for `changes`."""
    return Limits().model_validate({**Limits().model_dump(), **changes})


async def greeting(server: Server, *, source: str = "127.0.0.1") -> bytes:
    """What a stranger is told who says nothing; empty when the door is shut."""
    async with stranger(server, source=source) as (reader, _):
        return await reader.readline()


@contextlib.asynccontextmanager
async def stranger(
    server: Server, *, source: str = "127.0.0.1"
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare TCP connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port, local_addr=(source, 0))
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield reader, writer
    finally:
        writer.close()


@contextlib.asynccontextmanager
async def client(
    server: Server, key: str = "alice", encryption_algs: Sequence[str] = ()
) -> AsyncIterator[asyncssh.SSHClientConnection]:
    """A scripted client, for what OpenSSH is too polite to do."""
    async with (
        asyncio.timeout(DEADLINE_S),
        asyncssh.connect(
            "127.0.0.1",
            server.port,
            username="x",
            client_keys=[str(server.folder / key)],
            known_hosts=None,
            config=None,
            agent_path=None,
            encryption_algs=encryption_algs,
        ) as connection,
    ):
        yield connection


async def rest(reader: asyncio.StreamReader) -> bytes:
    """All that still comes until the other side closes, however it closes."""
    try:
        return await reader.read()
    except ConnectionError:
        return b""


async def here(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE_S):
        assert await process.stdout.readline() == b"here\n"


async def sleep_for_ever(api: ManagerAPI, words: Sequence[str], streams: Streams) -> int:
    await streams.write(b"here\n")
    await asyncio.Event().wait()
    return 0


def pause_reading(connection: asyncssh.SSHClientConnection) -> None:
    """What no polite client can do."""
    transport = connection._transport
    assert isinstance(transport, asyncio.Transport)
    transport.pause_reading()


def resident_bytes() -> int:
    """Memory of this process, in which the receiver is."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
