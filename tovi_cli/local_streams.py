"""Standard streams of the program `tovi` itself."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

from tovi_server.core.errors import UsageError

PIECE_BYTES = 64 * 1024


class LocalStreams:
    """Satisfies `Streams` on the descriptors 0, 1 and 2."""

    @property
    def columns(self) -> int | None:
        return shutil.get_terminal_size().columns if sys.stdout.isatty() else None

    @property
    def colour(self) -> bool:
        return sys.stdout.isatty() and not os.environ.get("NO_COLOR")

    @property
    def environment(self) -> Mapping[str, str]:
        return os.environ

    @property
    def stdin_is_terminal(self) -> bool:
        return sys.stdin.isatty()

    async def read(self) -> AsyncIterator[bytes]:
        """Reads only when there is something, so that the program can end while nobody types or pipes."""
        while True:
            await _readable(sys.stdin.fileno())
            data = await asyncio.to_thread(os.read, sys.stdin.fileno(), PIECE_BYTES)
            if not data:
                return
            yield data

    async def write(self, data: bytes) -> None:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()

    async def write_error(self, data: bytes) -> None:
        sys.stderr.buffer.write(data)
        sys.stderr.buffer.flush()


async def open_file(name: str) -> AsyncIterator[bytes]:
    """The bytes of a local file. Raises UsageError: it cannot be read."""
    try:
        with await asyncio.to_thread(Path(name).open, "rb") as file:
            while data := await asyncio.to_thread(file.read, PIECE_BYTES):
                yield data
    except OSError as error:
        raise UsageError(f'cannot read "{name}"', why=error.strerror or str(error)) from error


async def _readable(descriptor: int) -> None:
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    try:
        loop.add_reader(descriptor, ready.set)
    except (PermissionError, ValueError):
        return  # a regular file, which is always readable and which epoll refuses
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)
