"""Open SSH connections to either server, by the same client: asyncssh, in this process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import asyncssh

from tests.bench.sshd import Sshd
from tests.live import ADMIN, Live

SOURCES = 8
AT_ONCE = 8
"""Fewer than what a stock sshd or Tovi take for a flood."""


@asynccontextmanager
async def to_tovi(live: Live, count: int) -> AsyncIterator[Sequence[asyncssh.SSHClientConnection]]:
    """So many, logged in."""
    async with _connected(live.port, ADMIN, live.folder / ADMIN, count) as connections:
        yield connections


@asynccontextmanager
async def to_sshd(sshd: Sshd, count: int) -> AsyncIterator[Sequence[asyncssh.SSHClientConnection]]:
    """So many, logged in."""
    async with _connected(sshd.port, sshd.user, sshd.key, count) as connections:
        yield connections


@asynccontextmanager
async def _connected(port: int, user: str, key: Path, count: int) -> AsyncIterator[list[asyncssh.SSHClientConnection]]:
    free = asyncio.Semaphore(AT_ONCE)
    async with AsyncExitStack() as stack:

        async def connect(number: int) -> asyncssh.SSHClientConnection:
            """From one of several addresses of this machine."""
            async with free:
                return await stack.enter_async_context(
                    asyncssh.connect(
                        *("127.0.0.1", port),
                        local_addr=(f"127.0.0.{2 + number % SOURCES}", 0),
                        username=user,
                        client_keys=[str(key)],
                        known_hosts=None,
                        config=None,
                        agent_path=None,
                    )
                )

        yield list(await asyncio.gather(*map(connect, range(count))))


async def run(connection: asyncssh.SSHClientConnection, command: str, stdin: bytes = b"") -> bytes:
    """What a command that must succeed says, in a session of its own."""
    done = await connection.run(command, input=stdin, encoding=None, check=True)
    assert isinstance(done.stdout, bytes)
    return done.stdout
