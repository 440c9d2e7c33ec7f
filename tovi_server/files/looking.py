"""Looking at what is in one caller's tree, changing nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator

from tovi_server.files import attributes, unfinished
from tovi_server.files.attributes import Attributes, Listing
from tovi_server.files.datadir import DataDir
from tovi_server.files.places import Places, Real, Shelf, Text
from tovi_server.files.spots import open_real, spot_of


class Looking:
    """The read-only verbs of a `Tree`, but for reading files."""

    def __init__(self, data: DataDir, places: Places, user: str) -> None:
        self._data = data
        self._places = places
        self._user = user

    def stat(self, path: bytes) -> Attributes:
        return self._attributes(path, os.O_PATH)

    def lstat(self, path: bytes) -> Attributes:
        return self._attributes(path, os.O_PATH | os.O_NOFOLLOW)

    def list(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        place = self._places.find(path)
        if isinstance(place, Shelf):
            return self._shelf(path, place)
        if isinstance(place, Text):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
        return Listing(open_real(self._data, place, os.O_RDONLY | os.O_DIRECTORY | os.O_NONBLOCK))

    def readlink(self, path: bytes) -> bytes:
        place = self._places.find(path)
        if not isinstance(place, Real) or not place.rest:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        with spot_of(self._data, place) as spot:
            return os.readlink(spot.name, dir_fd=spot.folder)

    def statvfs(self, path: bytes) -> os.statvfs_result:
        place = self._places.find(path)
        opened = open_real(self._data, place, os.O_PATH) if isinstance(place, Real) else os.dup(self._data.fd)
        try:
            return os.statvfs(opened)
        finally:
            os.close(opened)

    def _attributes(self, path: bytes, flags: int) -> Attributes:
        match self._places.find(path):
            case Text(content):
                return attributes.of_text(content)
            case Shelf(_, behind):
                return attributes.of_shelf(None if behind is None else self._stat(Real(behind, b""), flags))
            case Real() as real:
                return attributes.of(self._stat(real, flags))

    def _stat(self, real: Real, flags: int) -> os.stat_result:
        try:
            opened = open_real(self._data, real, flags)
        except FileNotFoundError:
            found = self._unfinished(real)
            if found is None:
                raise
            return found
        try:
            return os.fstat(opened)
        finally:
            os.close(opened)

    def _unfinished(self, real: Real) -> os.stat_result | None:
        if real.refusal is not None or not real.rest:
            return None
        with spot_of(self._data, real) as spot:
            return None if spot.stat() is not None else unfinished.stat_of(spot, self._user)

    def _shelf(self, path: bytes, shelf: Shelf) -> Iterator[tuple[bytes, Attributes]]:
        for name in shelf.names():
            try:
                yield name, self.lstat(path + b"/" + name)
            except FileNotFoundError:
                continue
