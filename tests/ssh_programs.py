"""OpenSSH as people use it beside plain commands: on a terminal, and with one connection for many sessions."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import struct
import termios
from collections.abc import AsyncIterator
from dataclasses import dataclass
from fcntl import ioctl

from tests.ssh_edge import DEADLINE_S, Server, run


@dataclass(frozen=True)
class Shown:
    code: int
    shown: bytes


async def in_terminal(arguments: list[str], *, columns: int, answer: bytes = b"") -> Shown:
    """Run a program on a terminal of its own; `answer` is typed once it has shown something."""
    here, there = pty.openpty()
    ioctl(there, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = await asyncio.create_subprocess_exec(*arguments, stdin=there, stdout=there, stderr=there)
    os.close(there)
    shown = await asyncio.to_thread(_read_terminal, here, answer)
    async with asyncio.timeout(DEADLINE_S):
        code = await process.wait()
    os.close(here)
    return Shown(code, shown)


def _read_terminal(terminal: int, answer: bytes) -> bytes:
    shown = b""
    with contextlib.suppress(OSError):  # Linux says EIO at the end
        while piece := os.read(terminal, 4096):
            shown += piece
            if answer:
                os.write(terminal, answer)
                answer = b""
    return shown


@contextlib.asynccontextmanager
async def shared_connection(server: Server, *options: str) -> AsyncIterator[list[str]]:
    """A shared connection; gives the options with which others use it."""
    shared = ["-o", f"ControlPath={server.folder}/mux"]
    nowhere = asyncio.subprocess.DEVNULL
    begin = server.ssh(options=["-f", "-N", "-M", *shared, *options])
    process = await asyncio.create_subprocess_exec(*begin, stdin=nowhere, stdout=nowhere, stderr=nowhere)
    async with asyncio.timeout(DEADLINE_S):
        assert await process.wait() == 0
    try:
        yield shared
    finally:
        await run(server.ssh(options=["-O", "exit", *shared]))
