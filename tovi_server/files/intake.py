"""An archive on its way in: unpacked, checked and kept member by member, never laid out anywhere on the way."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import AsyncIterable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, TypeVar

from tovi_server.core.errors import InvalidArchiveError, QuotaExceededError, ToviError, UnavailableError
from tovi_server.core.resources import KIB, MIB
from tovi_server.core.views import FileView
from tovi_server.files import snapshots, unpacking
from tovi_server.files.code_tree import SPEC, CodeTree
from tovi_server.files.datadir import DataDir
from tovi_server.files.limits import IntakeLimits
from tovi_server.files.objects import Batch, Incoming
from tovi_server.files.snapshots import Entry
from tovi_server.files.tar_stream import End, Event, Member, Piece, TarStream

_AT_ONCE: Final = 256 * KIB
"""So much is handed to a thread at a time."""
_LARGEST_SPEC: Final = MIB
_SMALL: Final = 256 * KIB
"""Up to here a file is held in memory: nothing is written for one that the project has already."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class Intake:
    """What came: the text of its tovi.yaml, the name of the snapshot that was kept, and the files in it."""

    spec_text: str
    snapshot: str
    """Empty when nothing was to be kept."""
    files: tuple[FileView, ...]


async def receive(
    data: DataDir, chunks: AsyncIterable[bytes], *, project: str, limits: IntakeLimits, keep: bool = True
) -> Intake:
    """Read a tar (plain, gzip or zstd) to its end and keep what is in it, durably; without `keep` only check it.

    However it ends before its time, nothing of it is visible.

    Raises:
        InvalidArchiveError: it is empty, truncated, damaged, hostile or without a tovi.yaml.
        QuotaExceededError: it is larger than the limits.
        UnavailableError: the disk is full.
    """
    unpack = _Unpack(Batch(data, project) if keep else None, limits)
    try:
        waiting = bytearray()
        async for chunk in chunks:
            waiting += chunk
            if len(waiting) >= _AT_ONCE:
                whole, waiting = bytes(waiting), bytearray()
                await _in_thread(partial(unpack.feed, whole))
        return await _in_thread(partial(unpack.end, bytes(waiting)))
    except OSError as error:
        if isinstance(error, ConnectionError):
            raise
        raise _of_the_disk(error) from error
    finally:
        await _in_thread(unpack.close)


async def _in_thread(work: Callable[[], Result]) -> Result:
    """As `asyncio.to_thread`, but a cancelled caller waits for the thread: what follows must not run beside it."""
    running = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        await asyncio.wait([running])
        raise


def _of_the_disk(error: OSError) -> ToviError:
    if error.errno == errno.EDQUOT:
        return QuotaExceededError("the archive does not fit", why="the disk quota of the server is used up")
    if error.errno == errno.ENOSPC:
        return UnavailableError("the archive does not fit", why="the server's disk is full", hint="nothing was kept")
    return UnavailableError("the archive cannot be kept", why=error.strerror or str(error), hint="nothing was kept")


class _Unpack:
    """One archive. Blocking; a step at a time."""

    def __init__(self, batch: Batch | None, limits: IntakeLimits) -> None:
        self._batch = batch
        self._tree = CodeTree(limits)
        self._tar = TarStream()
        self._growth = unpacking.Growth(limits.ratio)
        self._unpacker: unpacking.Unpacker | None = None
        self._path: str | None = None
        self._member: Member | None = None
        self._small = bytearray()
        self._large: Incoming | None = None
        self._spec = b""

    def feed(self, data: bytes) -> None:
        if self._unpacker is None:
            self._unpacker = unpacking.unpacker_for(data)
        self._growth.came(len(data))
        for plain in self._unpacker.feed(data):
            self._growth.left(len(plain))
            for event in self._tar.feed(plain):
                self._handle(event)

    def end(self, last: bytes) -> Intake:
        """All of it came."""
        if self._unpacker is None and not last:
            raise InvalidArchiveError("the archive is empty", why="nothing came")
        self.feed(last)
        assert self._unpacker is not None, "something was fed"
        self._unpacker.finish()
        self._tar.finish()
        self._tree.need_spec()
        entries = tuple(self._tree.entries())
        files = tuple(FileView(entry.path, entry.size) for entry in entries if entry.hash is not None)
        return Intake(self._spec_text(), self._keep(entries), files)

    def close(self) -> None:
        """Drop what was not kept."""
        if self._large is not None:
            self._large.close()
        if self._batch is not None:
            self._batch.drop()

    def _keep(self, entries: tuple[Entry, ...]) -> str:
        if self._batch is None:
            return ""
        snapshot = snapshots.keep(self._batch, entries)
        self._batch.keep()
        return snapshot

    def _spec_text(self) -> str:
        try:
            return self._spec.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise InvalidArchiveError(f"{SPEC} in the archive is not UTF-8 text") from error

    def _handle(self, event: Event) -> None:
        match event:
            case Member():
                self._member, self._path = event, self._tree.place(event)
                if self._path == SPEC and event.size > _LARGEST_SPEC:
                    raise InvalidArchiveError(f"{SPEC} in the archive has {event.size} bytes", why="1 MiB is the limit")
            case Piece(piece) if self._path is not None:
                self._write(piece)
            case End.OF_FILE if self._path is not None and self._member is not None:
                self._add(self._path, self._member)
            case _:
                return

    def _write(self, piece: bytes) -> None:
        assert self._member is not None, "pieces follow their member"
        if self._member.size <= _SMALL or self._path == SPEC:
            self._small += piece
        elif self._batch is not None:
            if self._large is None:
                self._large = self._batch.begin()
            self._large.write(piece)

    def _add(self, path: str, member: Member) -> None:
        """A file is complete."""
        if path == SPEC:
            self._spec = bytes(self._small)
        self._tree.add(Entry(path, member.size, self._hash(), member.executable))

    def _hash(self) -> str:
        """Of the file that is complete, which is staged; empty when nothing is kept."""
        small, self._small = bytes(self._small), bytearray()
        large, self._large = self._large, None
        if large is not None:
            return large.end()
        return "" if self._batch is None else self._batch.add(small)
