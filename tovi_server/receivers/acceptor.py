"""Takes new connections off a listening socket, and stops doing so before file descriptors run out."""

from __future__ import annotations

import asyncio
import errno
import resource
import socket
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)

_BACKLOG = 1024
_BATCH = 4
"""Few: the other receivers on the same socket shall get their share of a burst."""
_PAUSE_S = 0.5


class Acceptor:
    """Hands each accepted socket to `welcome`. At `cap` open connections it waits for one to end."""

    def __init__(self, *, cap: int, welcome: Callable[[socket.socket], None]) -> None:
        self._cap = cap
        self._welcome = welcome
        self._sock: socket.socket | None = None
        self._open = 0
        self._listening = False

    def start(self, sock: socket.socket) -> None:
        """Listen on `sock`, which is this object's from now on."""
        sock.setblocking(False)
        sock.listen(_BACKLOG)
        self._sock = sock
        self._resume()

    def stop(self) -> None:
        """Accept nothing more and close the socket; harmless when done already."""
        self._pause()
        if self._sock is not None:
            self._sock.close()
            self._sock = None

    def closed_one(self) -> None:
        """To be called when an accepted connection is gone."""
        self._open -= 1
        if not self._listening and self._open < self._cap:
            self._resume()

    def _resume(self) -> None:
        if self._sock is not None and not self._listening:
            self._listening = True
            asyncio.get_running_loop().add_reader(self._sock, self._accept, self._sock)

    def _pause(self) -> None:
        if self._sock is not None and self._listening:
            self._listening = False
            asyncio.get_running_loop().remove_reader(self._sock)

    def _accept(self, sock: socket.socket) -> None:
        for _ in range(_BATCH):
            if self._open >= self._cap:
                log.warning("accepting_paused", connections=self._open)
                self._pause()
                return
            try:
                connection, _ = sock.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                self._cope(error)
                return
            self._open += 1
            self._welcome(connection)

    def _cope(self, error: OSError) -> None:
        """Out of descriptors or memory after all: look away for a moment instead of spinning."""
        if error.errno not in {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}:
            raise error
        log.error("accepting_failed", error=error.strerror)
        self._pause()
        asyncio.get_running_loop().call_later(_PAUSE_S, self._resume)


def connection_cap(reserved: int) -> int:
    """Raise this process's limit on open descriptors as far as it goes; what of it connections may use."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(hard - reserved, hard // 2)
