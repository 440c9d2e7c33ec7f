"""The parent's side of one part: a process that is started, watched, and started again when it dies."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

import structlog

from tovi_server.app import link
from tovi_server.app.link import END, read_status
from tovi_server.app.nursery import Nursery
from tovi_server.app.start import Start
from tovi_server.core.errors import UnavailableError

log = structlog.get_logger(__name__)

Equip = Callable[[], Awaitable[list[socket.socket]]]
"""Makes the sockets that a new process gets beside its link; they are its own from then on."""

_KILLED: Final = 1
_TRIES: Final = 3
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 5.0


class PartFailedError(Exception):
    """A part could not begin; it has said why. `status` is its exit status."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Part:
    """One part, whatever process it is now."""

    def __init__(self, start: Start, nursery: Nursery, equip: Equip) -> None:
        self.ready = asyncio.Event()
        """It was ready once."""
        self.kind = start.kind
        self.is_serving = False
        """It is there now, and ready: for a scheduler that may be to stand by."""
        self.is_leading = False
        """It is the scheduler that works."""
        self.restarts = 0
        self._start = start
        self._nursery = nursery
        self._equip = equip
        self._ending = False
        self._pid: int | None = None
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
                log.error("part_died", part=self.kind.value, status=status)
                self.restarts += 1
                pause_s = _FIRST_PAUSE_S if was_ready else min(2 * pause_s, _LONGEST_PAUSE_S)
                await asyncio.sleep(pause_s)

    def end(self) -> None:
        """Tell it to end in good order."""
        self._ending = True
        if self._writer is not None:
            self._writer.write(END)

    def kill(self) -> None:
        """End it now, if it is still there."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)

    async def _live_once(self) -> tuple[bool, int]:
        """Start a process and see it through: whether it was ever ready, and how it ended."""
        try:
            ours = await self._begin()
        except UnavailableError:
            if not self.ready.is_set():
                raise
            return False, _KILLED  # a server that has served goes on trying
        reader, self._writer = await asyncio.open_connection(sock=ours)
        if self._ending:
            self._writer.write(END)
        try:
            return await self._listen(reader)
        finally:
            self.is_serving = self.is_leading = False
            self._pid = None
            self._writer.close()
            self._writer = None

    async def _begin(self) -> socket.socket:
        """Start a process: this end of its link.

        Raises:
            UnavailableError: no nursery lives long enough.
        """
        for _ in range(_TRIES):
            ours, theirs = socket.socketpair()
            sockets = [theirs, *await self._equip()]
            try:
                self._pid = await self._nursery.fork(self._start, sockets)
            finally:
                for sock in sockets:
                    sock.close()
            if self._pid is not None:
                return ours
            ours.close()
        raise UnavailableError("the process that parts are forked from does not live", why="the log says more")

    async def _listen(self, reader: asyncio.StreamReader) -> tuple[bool, int]:
        """To what it says, until it is gone."""
        was_ready, status = False, _KILLED
        with suppress(ConnectionResetError):  # it was killed before it read all it was told
            while line := await reader.readline():
                match line:
                    case link.READY:
                        was_ready = self.is_serving = True
                        self.ready.set()
                        log.info("part_ready", part=self.kind.value, pid=self._pid)
                    case link.LEADING:
                        self.is_leading = True
                    case _:
                        status = read_status(line) or 0
        return was_ready, status
