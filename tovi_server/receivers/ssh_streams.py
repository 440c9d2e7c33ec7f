"""Standard streams of a command over an SSH channel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping

import asyncssh

from tovi_server.receivers.doors import Pipes

_PIECE_BYTES = 256 * 1024
_DEFAULT_COLUMNS = 80


class ChannelStreams:
    """Satisfies `Streams`. `columns` tells the terminal's width now, None without a terminal."""

    def __init__(self, pipes: Pipes, environment: Mapping[str, str], columns: Callable[[], int | None]) -> None:
        self._pipes = pipes
        self._environment = environment
        self._columns = columns

    @property
    def columns(self) -> int | None:
        columns = self._columns()
        return _DEFAULT_COLUMNS if columns == 0 else columns

    @property
    def colour(self) -> bool:
        return self.stdin_is_terminal and not self._environment.get("NO_COLOR")

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    @property
    def stdin_is_terminal(self) -> bool:
        return self._columns() is not None

    async def read(self) -> AsyncIterator[bytes]:
        while data := await self._pipes.stdin.read(_PIECE_BYTES):
            yield data

    async def write(self, data: bytes) -> None:
        await self._send(self._pipes.stdout, data)

    async def write_error(self, data: bytes) -> None:
        await self._send(self._pipes.stderr, data)

    async def _send(self, pipe: asyncssh.SSHWriter[bytes], data: bytes) -> None:
        """In pieces, each waited for: a client that does not read holds up its own command and no memory."""
        if self.stdin_is_terminal:
            data = data.replace(b"\n", b"\r\n")
        try:
            for start in range(0, len(data), _PIECE_BYTES):
                pipe.write(data[start : start + _PIECE_BYTES])
                await pipe.drain()
        except (OSError, asyncssh.Error) as error:
            raise ConnectionResetError("the client went away") from error
