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
        """Call `heard` after rings, until cancelled; once for several that are there at the same time."""
        name, loop = str(os.getpid()), asyncio.get_running_loop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._folder)
        self._socket.bind(self._path(name))
        self._own = name
        loop.add_reader(self._socket, self._rung, heard)
        try:
            await loop.create_future()
        finally:
            loop.remove_reader(self._socket)
            self._own = ""
            os.unlink(name, dir_fd=self._folder)

    def close(self) -> None:
        self._socket.close()
        os.close(self._folder)

    def _path(self, name: str) -> str:
        """By the folder's descriptor: a socket's path may have 107 bytes at most, the data directory's more."""
        return f"/proc/self/fd/{self._folder}/{name}"

    def _rung(self, heard: Callable[[], None]) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._socket.recv(_LONGEST):
                pass
        heard()
