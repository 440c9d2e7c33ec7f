"""A stream to a server through the person's own `ssh`, with its configuration, keys and agent."""

from __future__ import annotations

import asyncio
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tovi_server.api import ManagerAPI
from tovi_server.api_client import remote_manager
from tovi_server.core.errors import UnavailableError, UsageError

SUBSYSTEM = "tovi-api"
GRACE_S = 5


@asynccontextmanager
async def manager_over_ssh(host: str, *, program: str = "ssh") -> AsyncIterator[ManagerAPI]:
    """Start `ssh -T HOST -s tovi-api`, whose messages go to standard error, and end it after the block.

    Raises:
        UsageError: the host cannot be one, or there is no ssh.
        UnavailableError: the server does not answer.
    """
    if not host or host.startswith("-"):
        raise UsageError(f'"{host}" is not a host')
    process = await _started(host, program)
    assert process.stdin is not None, "asked for as a pipe"
    assert process.stdout is not None, "asked for as a pipe"
    try:
        async with remote_manager(process.stdout, process.stdin) as api:
            yield api
    except UnavailableError as error:
        raise UnavailableError(error.what, why=f"ssh {host} ended it", hint=f"try `ssh {host} whoami`") from error
    finally:
        await _ended(process)


async def _started(host: str, program: str) -> Process:
    try:
        return await asyncio.create_subprocess_exec(program, "-T", host, "-s", SUBSYSTEM, stdin=PIPE, stdout=PIPE)
    except FileNotFoundError as error:
        raise UsageError(f"there is no program {program}", hint="install OpenSSH") from error


async def _ended(process: Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        await asyncio.wait_for(process.wait(), GRACE_S)
    except TimeoutError:
        process.kill()
        await process.wait()
