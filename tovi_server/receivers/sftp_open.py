"""What an SFTP client has open, and what becomes of it: only the client's own CLOSE finishes an upload."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from typing import Final, Protocol

from tovi_server.files import attributes, names
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.files.upload import LARGEST_FILE_BYTES, Upload
from tovi_server.receivers.sftp_attributes import Wanted

READ: Final = 0x01
WRITE: Final = 0x02
APPEND: Final = 0x04
CREATE: Final = 0x08
TRUNCATE: Final = 0x10
EXCLUSIVE: Final = 0x20

_DEFAULT_MODE: Final = 0o644
_LAST_OFFSET: Final = 2**63 - 1


class OpenFile(Protocol):
    """A file behind a handle. Every method but `abandon` may raise OSError."""

    @property
    def fd(self) -> int: ...

    def write(self, offset: int, data: memoryview) -> None: ...

    def set(self, wanted: Wanted) -> None: ...

    def finish(self) -> None:
        """The client closes it."""
        ...

    def abandon(self) -> None:
        """The client went away without closing it."""
        ...


def open_file(tree: Tree, path: bytes, flags: int, wanted: Wanted) -> OpenFile:
    """As the flags say. What creates or truncates a file is an upload; what does neither changes it in its place."""
    if not flags & WRITE:
        return Reading(tree, path, tree.open_read(path))
    if path.endswith(b"/"):
        raise IsADirectoryError(errno.EISDIR, "a name that ends in / is a folder's, and there is none")
    mode = _DEFAULT_MODE if wanted.mode is None else wanted.mode
    if flags & CREATE and flags & EXCLUSIVE:
        return _uploading(tree, path, tree.upload(path, exclusive=True, mode=mode), flags)
    if not flags & TRUNCATE:
        return _updating(tree, path, flags, mode)
    if not flags & CREATE:
        tree.stat(path)
    return _uploading(tree, path, tree.upload(path, mode=mode), flags)


def _updating(tree: Tree, path: bytes, flags: int, mode: int) -> OpenFile:
    """A file in its place; when there is none, what an earlier upload to there left, or a new one."""
    try:
        return Updating(tree, path, tree.open_update(path), append=bool(flags & APPEND))
    except FileNotFoundError:
        if not flags & CREATE:
            tree.stat(path)
        return _uploading(tree, path, tree.upload(path, resume=True, mode=mode), flags)


def _uploading(tree: Tree, path: bytes, upload: Upload, flags: int) -> OpenFile:
    return Uploading(names.split(path), upload, append=bool(flags & APPEND))


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that is only read."""

    tree: Tree
    path: bytes
    fd: int

    def write(self, offset: int, data: memoryview) -> None:
        raise OSError(errno.EBADF, "this file was opened to be read")

    def set(self, wanted: Wanted) -> None:
        self.tree.set_attributes(self.path, mode=wanted.mode, times=wanted.times, size=wanted.size)

    def finish(self) -> None:
        os.close(self.fd)

    abandon = finish


@dataclass(frozen=True, slots=True)
class Updating:
    """A file that is changed in its place: everybody sees each step."""

    tree: Tree
    path: bytes
    fd: int
    append: bool

    def write(self, offset: int, data: memoryview) -> None:
        at = os.fstat(self.fd).st_size if self.append else offset
        if at + len(data) > LARGEST_FILE_BYTES:
            raise OSError(errno.EFBIG, f"a file has at most {LARGEST_FILE_BYTES} bytes")
        while data:
            written = os.pwrite(self.fd, data, at)
            data, at = data[written:], at + written

    def set(self, wanted: Wanted) -> None:
        self.tree.set_attributes(self.path, mode=wanted.mode, times=wanted.times, size=wanted.size)

    def finish(self) -> None:
        os.close(self.fd)

    abandon = finish


@dataclass(frozen=True, slots=True)
class Uploading:
    """A file that nobody else sees yet. `place` is where it will be."""

    place: tuple[bytes, ...]
    upload: Upload
    append: bool

    @property
    def fd(self) -> int:
        return self.upload.fd

    def write(self, offset: int, data: memoryview) -> None:
        self.upload.write_at(self.upload.size if self.append else offset, data)

    def set(self, wanted: Wanted) -> None:
        if wanted.size is not None:
            self.upload.truncate(wanted.size)
        if wanted.mode is not None:
            self.upload.set_mode(wanted.mode)
        if wanted.times is not None:
            self.upload.set_times(*wanted.times)

    def finish(self) -> None:
        self.upload.commit()

    def abandon(self) -> None:
        self.upload.discard()


def read(file: OpenFile, offset: int, place: memoryview) -> int:
    """Read into `place`; how much there was."""
    if offset > _LAST_OFFSET:
        raise OSError(errno.EINVAL, "no file is so long")
    return os.preadv(file.fd, [place], offset)


def attributes_of(file: OpenFile) -> Attributes:
    return attributes.of(os.fstat(file.fd))
