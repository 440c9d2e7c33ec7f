"""The parent's side of one part: a process that is started, watched, and started again when it dies."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from asyncio.subprocess import Process
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from tovi_server.app.link import END, READY
from tovi_server.app.start import Kind, Start, hand_over

log = structlog.get_logger(__name__)

MakeStart = Callable[[socket.socket], Awaitable[tuple[Start, list[socket.socket]]]]
"""What to tell a new process whose end of the link is given, and the sockets that are only its own from then on."""

_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


class PartFailedError(Exception):
    """A part could not begin; it has said why. `status` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Part:
    """One part, whatever process it is now."""

    def __init__(self, kind: Kind, make_start: MakeStart) -> None:
        self.ready = asyncio.Event()
        """It was ready once."""
        self._kind = kind
        self._make_start = make_start
        self._ending = False
        self._process: Process | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Until it was told to end, and did.

        Raises:
            PartFailedError: it ended before it was ever ready.
        """
        pause_s = _FIRST_PAUSE_S
        while not self._ending:
            was_ready, status = await self._live_once()
            if not self._ending and not self.ready.is_set():
                raise PartFailedError(status)
            if not self._ending:
                log.error("part_died", part=self._kind.value, status=status)
                pause_s = _FIRST_PAUSE_S if was_ready else min(2 * pause_s, _LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)

    def end(self) -> None:
        """Tell it to end in good order."""
        self._ending = True
        if self._writer is not None:
            self._writer.write(END)

    def kill(self) -> None:
        """End it now, if it is still there."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def _live_once(self) -> tuple[bool, int]:
        """Start a process and see it through: whether it was ever ready, and how it ended."""
        ours, theirs = socket.socketpair()
        start, given = await self._make_start(theirs)
        self._process = await _spawned(self._kind, start)
        for sock in (theirs, *given):
            sock.close()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        try:
            was_ready = await reader.readline() == READY
            if was_ready:
                self.ready.set()
                log.info("part_ready", part=self._kind.value, pid=self._process.pid)
            return was_ready, await self._process.wait()
        finally:
            self._writer.close()
            self._writer = None


async def _spawned(kind: Kind, start: Start) -> Process:
    """A process of its own group: Ctrl-C is for the parent, which then tells the others."""
    told = hand_over(start)
    try:
        return await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "tovi_server", "part", kind.value, str(told)),
            pass_fds=(told, *start.descriptors),
            stdin=asyncio.subprocess.DEVNULL,
            process_group=0,
        )
    finally:
        os.close(told)
