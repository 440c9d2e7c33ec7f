"""Standard streams of a command over an SSH channel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping

import asyncssh

from tovi_server.receivers.doors import Pipes
from tovi_server.receivers.terminal import Terminal

_PIECE_BYTES = 256 * 1024


class ChannelStreams:
    """Satisfies `Streams`. A terminal's own idea of TERM beats the variable."""

    def __init__(self, pipes: Pipes, environment: Mapping[str, str], terminal: Terminal | None) -> None:
        self._pipes = pipes
        self._environment = environment if terminal is None else {**environment, "TERM": terminal.kind}
        self._terminal = terminal

    @property
    def columns(self) -> int | None:
        return None if self._terminal is None else self._terminal.columns

    @property
    def colour(self) -> bool:
        if self._terminal is None or self._terminal.kind == "dumb":
            return False
        return not self._environment.get("NO_COLOR")

    @property
    def environment(self) -> Mapping[str, str]:
        return self._environment

    @property
    def stdin_is_terminal(self) -> bool:
        return self._terminal is not None

    async def read(self) -> AsyncIterator[bytes]:
        while data := await self._pipes.stdin.read(_PIECE_BYTES):
            yield data

    async def write(self, data: bytes) -> None:
        await self._send(self._pipes.stdout, data)

    async def write_error(self, data: bytes) -> None:
        await self._send(self._pipes.stderr, data)

    async def _send(self, pipe: asyncssh.SSHWriter[bytes], data: bytes) -> None:
        """In pieces, each waited for: a client that does not read holds up its own command and no memory."""
        if self._terminal is not None:
            data = data.replace(b"\n", b"\r\n")
        try:
            for start in range(0, len(data), _PIECE_BYTES):
                pipe.write(data[start : start + _PIECE_BYTES])
                await pipe.drain()
                await asyncio.sleep(0)  # draining mostly does not wait: who says much would hold the loop
        except (OSError, asyncssh.Error) as error:
            raise ConnectionResetError("the client went away") from error
