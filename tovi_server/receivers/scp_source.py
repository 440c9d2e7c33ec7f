"""`scp -f`: gives files and folders to an old scp. What cannot be given is told, and the rest goes on."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import AsyncIterator, Iterator
from typing import Final

from tovi_server.files import attributes, names
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.receivers import scp_globs, scp_protocol
from tovi_server.receivers.explain import in_words
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.open_handles import OpenHandles
from tovi_server.receivers.scp_wire import ScpWire
from tovi_server.receivers.scp_words import ScpCall

_PIECE_BYTES: Final = 256 * 1024
_NAMES_AT_ONCE: Final = 128

Folder = Iterator[tuple[bytes, Attributes]]


class Source:
    """One `scp -f`. `failed`: something of it went wrong."""

    def __init__(self, tree: Tree, threads: FileThreads, wire: ScpWire, handles: OpenHandles) -> None:
        self._tree = tree
        self._threads = threads
        self._wire = wire
        self._handles = handles
        self._open = 0
        self._preserve = False
        self.failed = False

    async def give(self, call: ScpCall) -> None:
        """All that the paths name or match."""
        self._preserve = call.preserve
        await self._wire.answer()
        for pattern in call.paths:
            async with self._telling(pattern):
                for path in await self._threads.run(lambda pattern=pattern: scp_globs.expand(self._tree, pattern)):  # type: ignore[misc]  # mypy infers no lambda with defaults
                    await self._give(path, recursive=call.recursive)

    async def _give(self, path: bytes, *, recursive: bool) -> None:
        name = (names.split(path) or (b".",))[-1]
        async with self._telling(path):
            found = await self._threads.run(lambda: self._tree.stat(path))
            if not found.is_dir:
                await self._give_file(path, name)
            elif recursive:
                await self._give_folder(path, name, found)
            else:
                raise IsADirectoryError(errno.EISDIR, "this is a folder: copy it with -r")

    async def _give_entry(self, folder: bytes, name: bytes, found: Attributes) -> None:
        """Something in a folder. Links are followed to files only: folders could contain each other."""
        path = folder + b"/" + name
        async with self._telling(path):
            if names.has_control(name):
                raise OSError(errno.EILSEQ, "left out, since its name has control characters")
            if found.is_link and (await self._threads.run(lambda: self._tree.stat(path))).is_dir:
                raise OSError(errno.ELOOP, "left out, since it is a link to a folder")
            if found.is_dir:
                await self._give_folder(path, name, found)
            else:
                await self._give_file(path, name)

    async def _give_file(self, path: bytes, name: bytes) -> None:
        async with self._room_for_one():
            fd = await self._threads.run(lambda: self._tree.open_read(path), undo=os.close)
            try:
                found = attributes.of(os.fstat(fd))
                if await self._announce(found, scp_protocol.file_line(found.mode, found.size, name)):
                    await self._give_content(path, fd, found.size)
            finally:
                os.close(fd)

    async def _give_content(self, path: bytes, fd: int, size: int) -> None:
        """As many bytes as announced, whatever happens to the file."""
        failure, at = None, 0
        while at < size and failure is None:
            try:
                piece = await self._threads.run(lambda at=at: _read(fd, at, size - at))  # type: ignore[misc]  # mypy infers no lambda with defaults
                await self._wire.send(piece)
                at += len(piece)
            except ConnectionError:
                raise
            except OSError as error:
                failure = error
        while at < size:
            await self._wire.send(bytes(min(size - at, _PIECE_BYTES)))
            at += _PIECE_BYTES
        if failure is None:
            await self._wire.send(scp_protocol.OK)
        else:
            await self._complain(path, failure)
        await self._agree()

    async def _give_folder(self, path: bytes, name: bytes, found: Attributes) -> None:
        async with self._room_for_one():
            folder = await self._threads.run(lambda: self._tree.list(path))
            if await self._announce(found, scp_protocol.folder_line(found.mode, name)):
                async with self._telling(path):
                    await self._give_entries(path, folder)
                await self._wire.send(scp_protocol.FOLDER_ENDS)
                await self._agree()

    async def _give_entries(self, path: bytes, folder: Folder) -> None:
        while entries := await self._threads.run(lambda: list(itertools.islice(folder, _NAMES_AT_ONCE))):
            for name, found in entries:
                await self._give_entry(path, name, found)

    async def _announce(self, found: Attributes, line: bytes) -> bool:
        """Whether the other end wants it."""
        if self._preserve:
            await self._wire.send(scp_protocol.times_line(found.mtime, found.atime))
            if not await self._agree():
                return False
        await self._wire.send(line)
        return await self._agree()

    async def _agree(self) -> bool:
        """Hear what the other end says of it."""
        agreed = await self._wire.answer()
        self.failed = self.failed or not agreed
        return agreed

    @contextlib.asynccontextmanager
    async def _room_for_one(self) -> AsyncIterator[None]:
        """To open one more thing. Raises EMFILE when the user has too many open."""
        self._open += 1
        try:
            if await self._handles.reserve(self._open) < self._open:
                raise OSError(errno.EMFILE, "you have too many files open at once")
            yield
        finally:
            self._open -= 1

    @contextlib.asynccontextmanager
    async def _telling(self, path: bytes) -> AsyncIterator[None]:
        """What cannot be given is told to the other end, and is no reason to stop."""
        try:
            yield
        except ConnectionError:
            raise
        except OSError as error:
            await self._complain(path, error)

    async def _complain(self, path: bytes, error: OSError) -> None:
        self.failed = True
        shown = path.decode(errors="backslashreplace")
        await self._wire.send(scp_protocol.problem(f"{shown}: {in_words(error)}"))


def _read(fd: int, at: int, most: int) -> bytes:
    piece = os.pread(fd, min(most, _PIECE_BYTES), at)
    if not piece:
        raise OSError(errno.EIO, "it became shorter while it was sent; zeros stand for the rest")
    return piece
