"""Files that an SFTP client has open in their place: to read them, or to change them for everybody to see."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from tovi_server.files import attributes
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.files.upload import LARGEST_FILE_BYTES
from tovi_server.receivers.sftp_attributes import Wanted

_LAST_OFFSET: Final = 2**63 - 1


class OpenFile(Protocol):
    """A file behind a handle. Every method but `abandon` may raise OSError."""

    @property
    def fd(self) -> int:
        """Of what was written so far, or else of what can be read."""
        ...

    def read(self, offset: int, place: memoryview) -> int:
        """Read into `place`; how much there was."""
        ...

    def write(self, offset: int, data: memoryview) -> None: ...

    def attributes(self) -> Attributes: ...

    def set(self, wanted: Wanted) -> None: ...

    def finish(self) -> Iterator[None]:
        """The client closes it. It is done when the steps are used up; dropped before, it is abandoned."""
        ...

    def abandon(self) -> None:
        """The client went away without closing it."""
        ...


def read_at(fd: int, offset: int, place: memoryview) -> int:
    """As `OpenFile.read`."""
    if offset > _LAST_OFFSET:
        raise OSError(errno.EINVAL, "no file is so long")
    return os.preadv(fd, [place], offset)


@dataclass(frozen=True, slots=True)
class Reading:
    """A file that is only read."""

    tree: Tree
    path: bytes
    fd: int

    def read(self, offset: int, place: memoryview) -> int:
        return read_at(self.fd, offset, place)

    def write(self, offset: int, data: memoryview) -> None:
        raise OSError(errno.EBADF, "this file was opened to be read")

    def attributes(self) -> Attributes:
        return attributes.of(os.fstat(self.fd))

    def set(self, wanted: Wanted) -> None:
        self.tree.set_attributes(self.path, mode=wanted.mode, times=wanted.times, size=wanted.size)

    def finish(self) -> Iterator[None]:
        os.close(self.fd)
        return iter(())

    def abandon(self) -> None:
        os.close(self.fd)


@dataclass(frozen=True, slots=True)
class Updating:
    """A file that is changed in its place."""

    tree: Tree
    path: bytes
    fd: int
    append: bool = False

    def read(self, offset: int, place: memoryview) -> int:
        return read_at(self.fd, offset, place)

    def write(self, offset: int, data: memoryview) -> None:
        at = os.fstat(self.fd).st_size if self.append else offset
        if at + len(data) > LARGEST_FILE_BYTES:
            raise OSError(errno.EFBIG, f"a file has at most {LARGEST_FILE_BYTES} bytes")
        while data:
            written = os.pwrite(self.fd, data, at)
            data, at = data[written:], at + written

    def attributes(self) -> Attributes:
        return attributes.of(os.fstat(self.fd))

    def set(self, wanted: Wanted) -> None:
        self.tree.set_attributes(self.path, mode=wanted.mode, times=wanted.times, size=wanted.size)

    def finish(self) -> Iterator[None]:
        os.close(self.fd)
        return iter(())

    def abandon(self) -> None:
        os.close(self.fd)
