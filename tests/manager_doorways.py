"""Two ways to a manager's door: directly, and through the real `ssh` and a receiver, as `RemoteManager`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncssh

from tests.ssh_edge import Server, serving, started
from tovi_server.api import Gate, ManagerAPI
from tovi_server.api_client import remote_manager
from tovi_server.core.access import Caller
from tovi_server.receivers.api_channel import serve_api
from tovi_server.receivers.doors import Doors, Pipes

Enter = Callable[[Caller, asyncssh.SSHKey], Awaitable[ManagerAPI]]
"""Opens the door for a user, who has that key."""

Doorway = Callable[[Gate, Path], AbstractAsyncContextManager[Enter]]
"""What leads to a manager's door; the folder is for what it needs."""


@asynccontextmanager
async def direct(gate: Gate, folder: Path) -> AsyncIterator[Enter]:
    async def enter(caller: Caller, key: asyncssh.SSHKey) -> ManagerAPI:
        return gate.session(caller)

    yield enter


@asynccontextmanager
async def over_ssh(gate: Gate, folder: Path) -> AsyncIterator[Enter]:
    """Everybody has an `ssh` of their own, which ends with this block."""
    async with serving(folder, behind=gate, doors=Doors(api=_serve), users=()) as server, AsyncExitStack() as clients:

        async def enter(caller: Caller, key: asyncssh.SSHKey) -> ManagerAPI:
            key.write_private_key(folder / caller.user)
            (folder / caller.user).chmod(0o600)
            return await clients.enter_async_context(_client(server, caller.user))

        yield enter


async def _serve(api: ManagerAPI, pipes: Pipes, words: Sequence[str]) -> int:
    await serve_api(api, pipes.stdin, pipes.stdout)
    return 0


@asynccontextmanager
async def _client(server: Server, user: str) -> AsyncIterator[ManagerAPI]:
    async with started(server.ssh("tovi-api", key=user, options=["-s"])) as ssh:
        assert ssh.stdin is not None
        assert ssh.stdout is not None
        async with remote_manager(ssh.stdout, ssh.stdin) as api:
            yield api
