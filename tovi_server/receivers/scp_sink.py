"""`scp -t`: takes what an old scp sends. A file is there once it has come whole and its sender says so."""

from __future__ import annotations

import errno
from dataclasses import dataclass

from tovi_server.files.tree import Tree
from tovi_server.files.upload import Upload
from tovi_server.receivers import scp_protocol
from tovi_server.receivers.explain import in_words
from tovi_server.receivers.file_threads import FileThreads
from tovi_server.receivers.scp_protocol import BadLineError, FileComes, FolderBegins, FolderEnds, Problem, Times
from tovi_server.receivers.scp_wire import OverError, ScpWire
from tovi_server.receivers.scp_words import ScpCall


@dataclass(frozen=True, slots=True)
class _Into:
    """The folder that things go into, and its times if they came. Not `is_folder`: the very path of what comes."""

    path: bytes
    is_folder: bool
    times: Times | None = None

    def path_of(self, name: bytes) -> bytes:
        return self.path + b"/" + name if self.is_folder else self.path


class Sink:
    """One `scp -t`. `failed`: something of it went wrong."""

    def __init__(self, tree: Tree, threads: FileThreads, wire: ScpWire) -> None:
        self._tree = tree
        self._threads = threads
        self._wire = wire
        self._times: Times | None = None
        self.failed = False

    async def take(self, call: ScpCall) -> None:
        """All that comes, until the other end has no more."""
        path = call.paths[0]
        top = _Into(path, await self._threads.run(lambda: _is_folder(self._tree, path)))
        if not top.is_folder and (call.into_folder or path.endswith(b"/")):
            await self._wire.send(scp_protocol.problem(f"{_shown(path)}: there is no such folder", is_over=True))
            raise OverError
        await self._wire.send(scp_protocol.OK)
        folders = [top]
        while (line := await self._wire.line()) is not None:
            await self._handle(scp_protocol.read(line), folders, recursive=call.recursive)
        if len(folders) > 1:
            raise BadLineError("the input ends within a folder")

    async def _handle(self, line: scp_protocol.Line, folders: list[_Into], *, recursive: bool) -> None:
        match line:
            case Times():
                self._times = line
                await self._wire.send(scp_protocol.OK)
            case FileComes():
                await self._take_file(line, folders[-1].path_of(line.name))
            case FolderBegins() if recursive:
                await self._begin_folder(line, folders)
            case FolderEnds() if len(folders) > 1:
                await self._end_folder(folders.pop())
            case Problem(is_over=True):
                raise OverError
            case Problem():
                self.failed = True
            case _:
                raise BadLineError("a folder, but without -r, or an end without one")

    async def _begin_folder(self, begins: FolderBegins, folders: list[_Into]) -> None:
        path = folders[-1].path_of(begins.name)
        times, self._times = self._times, None
        try:
            await self._threads.run(lambda: _need_folder(self._tree, path, begins.mode))
        except OSError as error:
            await self._complain(path, error)
            return
        folders.append(_Into(path, is_folder=True, times=times))
        await self._wire.send(scp_protocol.OK)

    async def _end_folder(self, folder: _Into) -> None:
        times = folder.times
        if times is not None:
            both = times.atime, times.mtime
            try:
                await self._threads.run(lambda: self._tree.set_attributes(folder.path, times=both))
            except OSError as error:
                await self._complain(folder.path, error)
                return
        await self._wire.send(scp_protocol.OK)

    async def _take_file(self, comes: FileComes, path: bytes) -> None:
        times, self._times = self._times, None
        try:
            upload = await self._threads.run(lambda: self._tree.upload(path, mode=comes.mode), undo=Upload.discard)
        except OSError as error:
            await self._complain(path, error)
            return
        failure = await self._fill_and_finish(upload, comes.size, times)
        if failure is None:
            await self._wire.send(scp_protocol.OK)
        else:
            await self._complain(path, failure)

    async def _fill_and_finish(self, upload: Upload, size: int, times: Times | None) -> OSError | None:
        """Why the file is not there, if that is for this end to tell."""
        try:
            await self._wire.send(scp_protocol.OK)
            failure = await self._fill(upload, size)
            if await self._wire.answer():
                if failure is None:
                    return await self._finish(upload, times)
            else:
                self.failed = True
        except BaseException:  # raised again, with nothing left behind
            await self._threads.run(upload.discard)
            raise
        await self._threads.run(upload.discard)
        return failure

    async def _fill(self, upload: Upload, size: int) -> OSError | None:
        """Take all bytes, as the protocol wants, even when they cannot be kept; then the answer is why."""
        failure, at = None, 0
        async for piece in self._wire.content(size):
            if failure is None:
                try:
                    await self._threads.run(lambda at=at, piece=piece: upload.write_at(at, piece))  # type: ignore[misc]  # mypy infers no lambda with defaults
                except OSError as error:
                    failure = error
            at += len(piece)
        return failure

    async def _finish(self, upload: Upload, times: Times | None) -> OSError | None:
        def finish() -> None:
            if times is not None:
                upload.set_times(times.atime, times.mtime)
            upload.commit()

        try:
            await self._threads.run(finish)
        except OSError as error:
            return error
        return None

    async def _complain(self, path: bytes, error: OSError) -> None:
        self.failed = True
        await self._wire.send(scp_protocol.problem(f"{_shown(path)}: {in_words(error)}"))


def _is_folder(tree: Tree, path: bytes) -> bool:
    try:
        return tree.stat(path).is_dir
    except OSError:
        return False


def _need_folder(tree: Tree, path: bytes, mode: int) -> None:
    """Make it, unless it is there."""
    try:
        tree.mkdir(path, mode)
    except FileExistsError:
        if not tree.stat(path).is_dir:
            raise NotADirectoryError(errno.ENOTDIR, "it is there, and not a folder") from None


def _shown(path: bytes) -> str:
    return path.decode(errors="backslashreplace")
