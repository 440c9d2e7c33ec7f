"""The byte stream under an old scp: lines, answers and the bytes of files."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from tovi_server.receivers import scp_protocol
from tovi_server.receivers.doors import Pipes
from tovi_server.receivers.scp_protocol import LONGEST_LINE, BadLineError, Problem

_PIECE_BYTES: Final = 256 * 1024


class OverError(Exception):
    """The other end does not go on."""


class ScpWire:
    """Nothing is read ahead but what came in one piece. Losing the client is a ConnectionError."""

    def __init__(self, pipes: Pipes) -> None:
        self._pipes = pipes
        self._unread = b""

    async def line(self) -> bytes | None:
        """Without its newline; None when nothing more comes.

        Raises:
            BadLineError: it is cut off, or far too long.
        """
        while (end := self._unread.find(b"\n")) < 0:
            if len(self._unread) > LONGEST_LINE:
                raise BadLineError("a line without an end")
            if not (more := await self._pipes.stdin.read(_PIECE_BYTES)):
                if self._unread:
                    raise BadLineError("the input ends within a line")
                return None
            self._unread += more
        line, self._unread = self._unread[:end], self._unread[end + 1 :]
        return line

    async def answer(self) -> bool:
        """Whether the other end says that all is well.

        Raises:
            OverError: it has given up, or gone.
            BadLineError: it says something else.
        """
        first = await self._some(1)
        if first == scp_protocol.OK:
            return True
        found = scp_protocol.read(first + (await self.line() or b""))
        if not isinstance(found, Problem):
            raise BadLineError("an answer is a zero or a problem")
        if found.is_over:
            raise OverError
        return False

    async def content(self, size: int) -> AsyncIterator[bytes]:
        """So many bytes, in pieces. Raises OverError when fewer come."""
        while size > 0:
            piece = await self._some(min(size, _PIECE_BYTES))
            size -= len(piece)
            yield piece

    async def send(self, data: bytes) -> None:
        """Waits while the other end does not read."""
        self._pipes.stdout.write(data)
        await self._pipes.stdout.drain()

    async def _some(self, most: int) -> bytes:
        if not self._unread:
            self._unread = await self._pipes.stdin.read(_PIECE_BYTES)
        if not self._unread:
            raise OverError
        some, self._unread = self._unread[:most], self._unread[most:]
        return some
