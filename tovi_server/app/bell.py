"""Wake-ups between the processes of a server: a datagram to each socket in one folder. Only a hint; it may be lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

_LONGEST: Final = 16
_BETWEEN_S: Final = 0.02
"""Who is rung for all the time looks no more often than this."""


class Bell:
    """Heard by every other process that listens in the same folder."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._own = ""
        """The name that it listens by; empty: it does not."""

    def ring(self) -> None:
        """Never waits: who is behind with listening has been woken already."""
        for name in os.listdir(self._folder):  # noqa: PTH208  # of a descriptor
            if name == self._own:
                continue
            try:
                self._socket.sendto(b"!", self._path(name))
            except ConnectionRefusedError:  # left by a process that was killed
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=self._folder)
            except (BlockingIOError, FileNotFoundError):
                continue

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` after rings, until cancelled: at once after a quiet time, else once for several."""
        name, loop = str(os.getpid()), asyncio.get_running_loop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)
        self._socket.bind(self._path(name))
        self._own = name
        pending = Pending(heard, loop)
        loop.add_reader(self._socket, self._rung, pending)
        try:
            await loop.create_future()
        finally:
            loop.remove_reader(self._socket)
            pending.cancel()
            self._own = ""
            os.unlink(name, dir_fd=self._folder)

    def close(self) -> None:
        self._socket.close()
        os.close(self._folder)

    def _path(self, name: str) -> str:
        """By the folder's descriptor: a socket's path may have 107 bytes at most, the data directory's more."""
        return f"/proc/self/fd/{self._folder}/{name}"

    def _rung(self, pending: Pending) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(_LONGEST):
                pass
        pending.ask()


class Pending:
    """A call that is asked for often, and made now and then."""

    def __init__(self, call: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self._not_before = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have it called, after this at any rate."""
        if self._handle is None:
            self._handle = self._loop.call_at(self._not_before, self._make)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _make(self) -> None:
        self._handle = None
        self._not_before = self._loop.time() + _BETWEEN_S
        self._call()
