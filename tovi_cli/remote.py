"""A stream to a server through the person's own `ssh`, with its configuration, keys and agent."""

from __future__ import annotations

import asyncio
import tempfile
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Final

from tovi_cli.redial import RedialedLine
from tovi_server.api import ManagerAPI
from tovi_server.api_client import RemoteManager, remote_manager
from tovi_server.api_connection import Connection
from tovi_server.core.errors import UnavailableError, UsageError

SUBSYSTEM = "tovi-api"
GRACE_S = 5
_QUIET: Final = ("-o", "BatchMode=yes", "-o", "ConnectTimeout=10")
"""It asks nothing: the terminal is drawn on."""


@asynccontextmanager
async def manager_over_ssh(host: str, *, program: str = "ssh") -> AsyncIterator[ManagerAPI]:
    """Start `ssh -T HOST -s tovi-api`, whose messages go to standard error, and end it after the block.

    Raises:
        UsageError: the host cannot be one, or there is no ssh.
        UnavailableError: the server does not answer.
    """
    process = await _started(host, program)
    assert process.stdin is not None, "asked for as a pipe"
    assert process.stdout is not None, "asked for as a pipe"
    try:
        async with remote_manager(process.stdout, process.stdin) as api:
            yield api
    except UnavailableError as error:
        raise _unanswered(error, host, f"ssh {host} ended it") from error
    finally:
        await _ended(process)


@asynccontextmanager
async def lasting_manager_over_ssh(host: str, *, program: str = "ssh") -> AsyncIterator[ManagerAPI]:
    """As `manager_over_ssh`, for a program that draws: ssh asks and says nothing, and is started again when it ended.

    Raises:
        UsageError: as there.
    """
    line = RedialedLine(lambda: _quiet_connection(host, program))
    try:
        yield RemoteManager(line)
    finally:
        await line.close()


@asynccontextmanager
async def _quiet_connection(host: str, program: str) -> AsyncIterator[Connection]:
    """Raises as `manager_over_ssh` does; the last that ssh said is why."""
    with tempfile.TemporaryFile() as said:
        process = await _started(host, program, *_QUIET, said=said)
        assert process.stdin is not None, "asked for as a pipe"
        assert process.stdout is not None, "asked for as a pipe"
        try:
            try:
                connection = await Connection.open(process.stdout, process.stdin)
            except UnavailableError as error:
                raise _unanswered(error, host, _last_line(said) or f"ssh {host} ended it") from error
            try:
                yield connection
            finally:
                await connection.close()
        finally:
            await _ended(process)


def _unanswered(error: UnavailableError, host: str, why: str) -> UnavailableError:
    return UnavailableError(error.what, why=why, hint=f"try `ssh {host} whoami`")


def _last_line(said: IO[bytes]) -> str:
    said.seek(0)
    return (said.read().decode(errors="replace").splitlines() or [""])[-1]


async def _started(host: str, program: str, *options: str, said: IO[bytes] | None = None) -> Process:
    if not host or host.startswith("-"):
        raise UsageError(f'"{host}" is not a host')
    words = (program, *options, "-T", host, "-s", SUBSYSTEM)
    try:
        return await asyncio.create_subprocess_exec(*words, stdin=PIPE, stdout=PIPE, stderr=said)
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
