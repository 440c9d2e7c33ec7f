"""A whole file that an SFTP client opened to write, without saying whether to change it or to replace it.

So does `scp` (of OpenSSH 9.1 and later) when a file is there already: it writes from the beginning and cuts off what
is left. Others change a few bytes somewhere. What is written first tells: at 0 it becomes an upload, and the file stays
as it was until the close, elsewhere the file is changed in its place.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tovi_server.files import attributes, names
from tovi_server.files.attributes import Attributes
from tovi_server.files.tree import Tree
from tovi_server.files.upload import Upload
from tovi_server.receivers.sftp_attributes import Wanted
from tovi_server.receivers.sftp_file import Updating, read_at
from tovi_server.receivers.sftp_upload import set_upload

_STEP_BYTES: Final = 1 << 20


class Rewriting:
    """Undecided; then an upload, or in place.

    An upload has `_new` bytes from its beginning on; what follows, up to `_old`, is that of the file, and is copied
    only when needed.
    """

    def __init__(self, tree: Tree, path: bytes, fd: int) -> None:
        """`fd` can be written, and is this object's from now on."""
        self.place = names.split(path)
        self._tree = tree
        self._path = path
        self._file = Updating(tree, path, fd)
        self._upload: Upload | None = None
        self._in_place = False
        self._new = 0
        self._old = 0

    @property
    def fd(self) -> int:
        return self._file.fd if self._upload is None else self._upload.fd

    def read(self, offset: int, place: memoryview) -> int:
        if self._upload is None or offset >= self._new:
            limit = max(0, self._old - offset) if self._upload else len(place)
            return self._file.read(offset, place[:limit])
        return read_at(self._upload.fd, offset, place[: self._new - offset])

    def write(self, offset: int, data: memoryview) -> None:
        if self._upload is None and offset == 0 and not self._in_place:
            self._begin()
        if self._upload is None:
            self._in_place = True
            self._file.write(offset, data)
        else:
            self._copy_to(self._upload, offset)
            self._upload.write_at(offset, data)
            self._new = max(self._new, offset + len(data))

    def attributes(self) -> Attributes:
        found = attributes.of(os.fstat(self.fd))
        return found if self._upload is None else replace(found, size=max(self._new, self._old))

    def set(self, wanted: Wanted) -> None:
        if self._upload is None:
            self._file.set(wanted)
            return
        if wanted.size is not None:
            self._copy_to(self._upload, wanted.size)
            self._new, self._old = wanted.size, 0
        set_upload(self._upload, wanted)

    def finish(self) -> Iterator[None]:
        try:
            if self._upload is not None:
                while self._new < self._old:
                    self._copy_to(self._upload, self._new + _STEP_BYTES)
                    yield
                self._upload.commit()
        finally:
            self.abandon()

    def abandon(self) -> None:
        try:
            if self._upload is not None:
                self._upload.discard()
        finally:
            self._file.abandon()

    def _begin(self) -> None:
        found = os.fstat(self._file.fd)
        self._upload = self._tree.upload(self._path, mode=found.st_mode & 0o777)
        self._old = found.st_size

    def _copy_to(self, upload: Upload, end: int) -> None:
        """Take over the file's bytes from where the new ones end up to there."""
        while self._new < min(end, self._old):
            size = min(end, self._old) - self._new
            content = os.pread(self._file.fd, min(size, _STEP_BYTES), self._new)
            if not content:
                self._old = self._new  # it became shorter meanwhile
                return
            upload.write_at(self._new, content)
            self._new += len(content)
