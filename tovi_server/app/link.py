"""What ties a part of the server to its parent: a socket that ends when either does."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import Final, Self

READY: Final = b"ready\n"
LEADING: Final = b"leading\n"
END: Final = b"end\n"
_STATUS: Final = b"status "

_LAST_MOMENTS_S: Final = 5


class ParentGoneError(Exception):
    """The parent died: a part without one must end, whatever it is doing."""


def status_line(status: int) -> bytes:
    """A part's last words."""
    return b"%s%d\n" % (_STATUS, status)


def read_status(line: bytes) -> int | None:
    """None: these were not its last words; without any it was killed."""
    return int(line.removeprefix(_STATUS)) if line.startswith(_STATUS) else None


class Link:
    """A part's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, sock: socket.socket) -> Self:
        return cls(*await asyncio.open_connection(sock=sock))

    def ready(self) -> None:
        """Say that this part does its work from now on, or stands by."""
        self._writer.write(READY)

    def leading(self) -> None:
        """Say that this is the scheduler that works."""
        self._writer.write(LEADING)

    async def told_to_end(self) -> None:
        """Wait for the word to end in good order; may be given up and tried again.

        Raises:
            ParentGoneError: the parent is gone. The system ends this process if it is still there in some seconds.
        """
        if await self._reader.readline() != END:
            _end_soon()
            raise ParentGoneError


def _end_soon() -> None:
    """Unless it is to end even sooner, like a leader whose lease is over."""
    left_s, _ = signal.getitimer(signal.ITIMER_REAL)
    if not 0 < left_s < _LAST_MOMENTS_S:
        signal.alarm(_LAST_MOMENTS_S)
