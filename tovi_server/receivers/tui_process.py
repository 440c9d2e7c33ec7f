"""One terminal UI as a process: how it is told things, how it ends, and that nothing is left of it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import ExitStack, asynccontextmanager, suppress
from typing import Final

import structlog

from tovi_server.receivers.pseudo_terminal import PseudoTerminal
from tovi_server.receivers.tui_zygote import TuiZygote

log = structlog.get_logger(__name__)

_GRACE_S: Final = 2
"""Between a hang-up and the end, for a process that does not listen."""
_KILLED: Final = -1
_LAST_LINE_BYTES: Final = 64 * 1024


class TuiProcess:
    """A pidfd, the socket of its manager, and the line over which it is told what it cannot see."""

    def __init__(self, handle: int, api: socket.socket, line: socket.socket) -> None:
        self.api = api
        self._handle = handle
        self._line = line
        self._loop = asyncio.get_running_loop()
        self.has_ended: asyncio.Future[None] = self._loop.create_future()
        self._loop.add_reader(handle, self._ended)

    @classmethod
    @asynccontextmanager
    async def started(
        cls, zygote: TuiZygote, terminal: PseudoTerminal, environment: Mapping[str, str]
    ) -> AsyncIterator[TuiProcess]:
        """It has ended when the block has.

        Raises:
            UnavailableError: none can be started now.
        """
        with ExitStack() as stack:
            api, its_api = _pair(stack)
            line, its_line = _pair(stack)
            with its_api, its_line:
                handle = await zygote.fork(environment, (terminal.theirs, its_api.fileno(), its_line.fileno()))
            process = cls(handle, api, line)
            try:
                terminal.give_away()
                yield process
            finally:
                await process._end()

    def tell(self, **what: object) -> None:
        """One line of JSON. It is lost when the process is too busy to read: each line makes the ones before it old."""
        with suppress(OSError):
            self._line.send(json.dumps(what).encode() + b"\n")

    def status(self) -> int:
        """Once it has ended: what it says in its last line; negative of one that was killed, which says nothing."""
        try:
            last = json.loads(self._line.recv(_LAST_LINE_BYTES).splitlines()[-1])
        except (OSError, IndexError, ValueError):
            return _KILLED
        if "story" in last:
            log.error("tui_crashed", story=last["story"])
        return int(last["status"])

    async def _end(self) -> None:
        """Hang up, wait, kill: in any case it is gone after, also when this is cancelled."""
        try:
            self._signal(signal.SIGHUP)
            await asyncio.wait({self.has_ended}, timeout=_GRACE_S)
            if not self.has_ended.done():
                self._signal(signal.SIGKILL)
                await asyncio.wait({self.has_ended})
        finally:
            self._signal(signal.SIGKILL)
            self._loop.remove_reader(self._handle)
            os.close(self._handle)

    def _signal(self, number: signal.Signals) -> None:
        if not self.has_ended.done():
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._handle, number)

    def _ended(self) -> None:
        self._loop.remove_reader(self._handle)
        self.has_ended.set_result(None)


def _pair(stack: ExitStack) -> tuple[socket.socket, socket.socket]:
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    stack.enter_context(ours)
    return ours, theirs
