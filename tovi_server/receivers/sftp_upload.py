"""Files that an SFTP client sends. Nobody else sees them until it closes them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from tovi_server.files import attributes, names
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.files.upload import Upload
from tovi_server.receivers.sftp_attributes import Wanted
from tovi_server.receivers.sftp_file import read_at


def begin(tree: Tree, path: bytes, mode: int, *, exclusive: bool = False) -> Uploading:
    """A new file or a new content, from nothing."""
    return Uploading(path, tree.upload(path, exclusive=exclusive, mode=mode))


def begin_or_resume(tree: Tree, path: bytes, mode: int) -> Uploading:
    """A new file by a client that has not said whether it goes on with what is left of an earlier upload.

    What it writes first will tell: `scp` begins at 0. Should the earlier upload not have ended for the server, as when
    its connection was lost a moment ago, there is only beginning.
    """
    try:
        return Uploading(path, tree.upload(path, resume=True, mode=mode), may_restart=True)
    except BlockingIOError:
        return Uploading(path, tree.upload(path, mode=mode), must_start=True)


class Uploading:
    """An upload behind a handle. `place` is where it will be."""

    def __init__(
        self, path: bytes, upload: Upload, *, append: bool = False, may_restart: bool = False, must_start: bool = False
    ) -> None:
        self.place = names.split(path)
        self._upload = upload
        self._append = append
        self._may_restart = may_restart
        self._must_start = must_start
        self._refused = False

    @property
    def fd(self) -> int:
        return self._upload.fd

    def read(self, offset: int, place: memoryview) -> int:
        return read_at(self._upload.fd, offset, place)

    def write(self, offset: int, data: memoryview) -> None:
        at = self._upload.size if self._append else offset
        if self._must_start and at > 0:
            self._refused = True
            raise _not_yet()
        if self._may_restart and at == 0:
            self._upload.truncate(0)
        self._may_restart = self._must_start = False
        self._upload.write_at(at, data)

    def attributes(self) -> Attributes:
        return attributes.of(os.fstat(self._upload.fd))

    def set(self, wanted: Wanted) -> None:
        set_upload(self._upload, wanted)

    def finish(self) -> Iterator[None]:
        if self._refused:
            self._upload.discard()
            raise _not_yet()
        self._upload.commit()
        return iter(())

    def abandon(self) -> None:
        self._upload.discard()


def _not_yet() -> OSError:
    return BlockingIOError(errno.EAGAIN, "your earlier upload of this file has not ended yet: try again soon")


def set_upload(upload: Upload, wanted: Wanted) -> None:
    """Its size now, the rest when it is there."""
    if wanted.size is not None:
        upload.truncate(wanted.size)
    if wanted.mode is not None:
        upload.set_mode(wanted.mode)
    if wanted.times is not None:
        upload.set_times(*wanted.times)
