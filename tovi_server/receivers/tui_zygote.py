"""Where terminal UIs are forked from: a process of this receiver's own, started again when it is gone.

What it is, only the composition root knows. It is told a session's environment and given its three descriptors, and
answers with a pidfd; see `tovi_tui.zygote`.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Final

import structlog

from tovi_server.core.errors import UnavailableError

log = structlog.get_logger(__name__)

_LONGEST: Final = 64 * 1024
_START_S: Final = 30
_ANSWER_S: Final = 10
_INHERITED: Final = ("PATH", "PYTHONHOME", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG")
"""Variables that a program may need to run; none that says anything of the server."""


class TuiZygote:
    """The receiver's side. `words` start it, and are followed by the number of its socket and by `user`."""

    def __init__(self, words: Sequence[str], *, user: str) -> None:
        self._words = words
        self._user = user
        self._one_at_a_time = asyncio.Lock()
        self._socket: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._is_ready = False

    async def start(self) -> None:
        """Let it begin to import what it needs."""
        async with self._one_at_a_time:
            await self._begin()

    async def warm(self) -> None:
        """Have it ready, so that nobody waits for it."""
        async with self._one_at_a_time:
            try:
                await self._living()
            except (OSError, TimeoutError) as error:  # tried again when somebody wants one
                log.error("tui_zygote_not_started", why=str(error))
                await self.close()

    async def fork(self, environment: Mapping[str, str], descriptors: Sequence[int]) -> int:
        """A pidfd of a new session, which has copies of the three descriptors.

        Raises:
            UnavailableError: none can be had now.
        """
        async with self._one_at_a_time:
            try:
                zygote = await self._living()
                socket.send_fds(zygote, [json.dumps(dict(environment)).encode()], descriptors)
                message, handles = await _answer(zygote)
            except (OSError, TimeoutError) as error:
                await self.close()
                raise _unavailable(str(error)) from error
        if handles:
            return handles[0]
        raise _unavailable(str(json.loads(message or b"{}").get("why", "the process that they come from ended")))

    async def close(self) -> None:
        """Let it end, and all its sessions."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        self._is_ready = False
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()  # it has nothing to put in order
            await self._process.wait()
            self._process = None

    async def _living(self) -> socket.socket:
        if self._process is not None and self._process.returncode is not None:
            log.error("tui_zygote_died", status=self._process.returncode)
            await self.close()
        zygote = self._socket or await self._begin()
        if not self._is_ready:
            await self._greeted(zygote)
            self._is_ready = True
        return zygote

    async def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._socket = ours
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(*self._words, str(theirs.fileno()), self._user),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env={name: os.environ[name] for name in _INHERITED if name in os.environ},
            )
        return ours

    async def _greeted(self, zygote: socket.socket) -> None:
        message, _ = await _receive(zygote, _START_S)
        if not message:
            raise ConnectionResetError("the process that they come from does not start")
        if why := json.loads(message)["kept_user"]:
            log.warning("tui_user_kept", why=why)
        log.info("tui_zygote_ready", pid=self._process and self._process.pid)


async def _receive(zygote: socket.socket, deadline_s: float) -> tuple[bytes, list[int]]:
    """Empty at its end. Raises TimeoutError, and OSError when it was killed."""
    loop = asyncio.get_running_loop()
    readable = asyncio.Event()
    loop.add_reader(zygote, readable.set)
    try:
        async with asyncio.timeout(deadline_s):
            await readable.wait()
    finally:
        loop.remove_reader(zygote)
    message, handles, _, _ = socket.recv_fds(zygote, _LONGEST, 1, socket.MSG_CMSG_CLOEXEC)
    return message, handles


async def _answer(zygote: socket.socket) -> tuple[bytes, list[int]]:
    """Waited for also by who was cancelled meanwhile: the next one must not take it for their own."""
    receiving = asyncio.ensure_future(_receive(zygote, _ANSWER_S))
    try:
        return await asyncio.shield(receiving)
    except asyncio.CancelledError:
        _, handles = await receiving
        for handle in handles:
            signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        raise


def _unavailable(why: str) -> UnavailableError:
    return UnavailableError(
        "the terminal UI cannot be opened now", why=why, hint="try again in a moment; commands work as before"
    )
