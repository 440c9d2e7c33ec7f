"""What a session can open beside a command. The composition root says what is behind each door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import asyncssh

from tovi_server.api import ManagerAPI


@dataclass(frozen=True, slots=True)
class Pipes:
    """The byte streams of one channel. They work as asyncio's: `read`, `readline`, `readexactly`; `write`, `drain`.

    A client that goes away cancels who works behind the door, and reading raises ConnectionError: an end of
    file is always the client's own.
    """

    stdin: asyncssh.SSHReader[bytes]
    stdout: asyncssh.SSHWriter[bytes]
    stderr: asyncssh.SSHWriter[bytes]


Door = Callable[[ManagerAPI, Pipes, Sequence[str]], Awaitable[int]]
"""Serves one channel until its end and returns the exit status; the words are those of the command, if any."""


@dataclass(frozen=True, slots=True)
class Doors:
    """None: that door is shut."""

    sftp: Door | None = None
    """Subsystem `sftp`."""
    scp: Door | None = None
    """`scp -t PATH` and `scp -f PATH`, as the other end of an old `scp` or of `scp -O` sends them."""
    api: Door | None = None
    """Subsystem `tovi-api`."""
