"""The virtual tree of one caller: every file operation that a door offers, each done whole or refused.

Errors are OSErrors whose `errno` says what went wrong and whose `strerror` says why, in words for the user. All calls
block: use them in a thread. Different calls may run at once.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator

from tovi_server.core import views
from tovi_server.files import removing, renaming, unfinished
from tovi_server.files.attributes import Attributes
from tovi_server.files.datadir import DataDir
from tovi_server.files.links import need_inner_target
from tovi_server.files.looking import Looking
from tovi_server.files.modes import of_file, of_folder
from tovi_server.files.places import Places, Real, Shelf, Text, read_only
from tovi_server.files.spots import Spot, need_changeable, need_new_name, open_real, spot_of
from tovi_server.files.upload import LARGEST_FILE_BYTES, Goal, Upload

_READ = os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY


class Tree:
    """Paths are bytes from the tree's top, with or without a slash in front; `..` ends at the top."""

    def __init__(self, data: DataDir, me: views.Me, *, authorized_keys: bytes) -> None:
        self._data = data
        self._user = me.user
        self._places = Places(data, me, authorized_keys)
        self._looking = Looking(data, self._places, me.user)

    def stat(self, path: bytes) -> Attributes:
        """Of what the path leads to; of the caller's own unfinished upload when there is nothing else."""
        return self._looking.stat(path)

    def lstat(self, path: bytes) -> Attributes:
        """As `stat`, of a link itself."""
        return self._looking.lstat(path)

    def list(self, path: bytes) -> Iterator[tuple[bytes, Attributes]]:
        """Names and what `lstat` says of each, read as they are asked for."""
        return self._looking.list(path)

    def readlink(self, path: bytes) -> bytes:
        """Where a link leads, as it was written. EINVAL for what is no link."""
        return self._looking.readlink(path)

    def statvfs(self, path: bytes) -> os.statvfs_result:
        """Of the file system behind a path."""
        return self._looking.statvfs(path)

    def open_read(self, path: bytes) -> int:
        """A new descriptor of a regular file, at its beginning."""
        place = self._places.find(path)
        if isinstance(place, Text):
            return _in_memory(place.content)
        if isinstance(place, Shelf):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        return self._need_file(place, open_real(self._data, place, _READ))

    def open_update(self, path: bytes) -> int:
        """A new descriptor to change a file in its place; not atomic, readers see every step."""
        real = self._changeable(path)
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY
        return self._need_file(real, open_real(self._data, real, flags))

    def upload(self, path: bytes, *, resume: bool = False, exclusive: bool = False, mode: int = 0o644) -> Upload:
        """A new file, or a new content for one; `resume`: go on with what an earlier upload left unfinished."""
        real = self._real(path)
        need_new_name(real, folder=False)
        with spot_of(self._data, real) as spot:
            found = spot.stat()
            if found is not None and stat.S_ISDIR(found.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if found is not None and exclusive:
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
            goal = Goal(os.dup(spot.folder), spot.name, self._user, exclusive)
        return Upload(goal, resume=resume, mode=mode)

    def mkdir(self, path: bytes, mode: int = 0o755) -> None:
        place = self._places.find(path)
        if not isinstance(place, Real) or not place.rest:
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
        need_new_name(place, folder=True)
        with spot_of(self._data, place) as spot:
            os.mkdir(spot.name, 0o700, dir_fd=spot.folder)
            self._set(place, os.O_DIRECTORY, mode=of_folder(mode))

    def rmdir(self, path: bytes) -> None:
        """An empty folder; unfinished uploads that nobody goes on with do not count, and go with it."""
        with spot_of(self._data, self._changeable(path)) as spot:
            try:
                os.rmdir(spot.name, dir_fd=spot.folder)
            except OSError as error:
                if error.errno != errno.ENOTEMPTY or not unfinished.clear(spot):
                    raise
                os.rmdir(spot.name, dir_fd=spot.folder)

    def remove_tree(self, path: bytes) -> None:
        """A folder with all that is in it."""
        with spot_of(self._data, self._changeable(path)) as spot:
            if not removing.remove_tree(spot.folder, os.fsdecode(spot.name)):
                raise OSError(errno.ENOTEMPTY, "others keep making files in it")

    def is_changeable(self, path: bytes) -> bool:
        """Whether the caller may change what is in that folder."""
        place = self._places.find(path)
        return isinstance(place, Real) and place.refusal is None

    def remove(self, path: bytes) -> None:
        """A file or link; the caller's own unfinished upload when there is nothing else."""
        with spot_of(self._data, self._changeable(path)) as spot:
            try:
                os.unlink(spot.name, dir_fd=spot.folder)
            except FileNotFoundError:
                if not unfinished.remove(spot, self._user):
                    raise

    def rename(self, old: bytes, new: bytes, *, replace: bool) -> None:
        """Within one project's datasets, or within home. Atomic. Without `replace` a name that is taken is EEXIST."""
        source, target = self._changeable(old), self._real(new)
        _need_same(source, target)
        with spot_of(self._data, source) as here, spot_of(self._data, target) as there:
            need_new_name(target, folder=here.is_folder())
            if replace:
                os.rename(here.name, there.name, src_dir_fd=here.folder, dst_dir_fd=there.folder)
            else:
                renaming.rename_new(here.folder, here.name, there.folder, there.name)

    def link(self, old: bytes, new: bytes) -> None:
        """A second name for a file."""
        source, target = self._changeable(old), self._real(new)
        _need_same(source, target)
        need_new_name(target, folder=False)
        with spot_of(self._data, source) as here, spot_of(self._data, target) as there:
            _need_regular(here)
            os.link(here.name, there.name, src_dir_fd=here.folder, dst_dir_fd=there.folder, follow_symlinks=False)

    def symlink(self, target: bytes, path: bytes) -> None:
        """A link, which must be relative and stay in the tree."""
        real = self._real(path)
        need_new_name(real, folder=False)
        need_inner_target(target, real.rest)
        with spot_of(self._data, real) as spot:
            os.symlink(target, spot.name, dir_fd=spot.folder)

    def set_attributes(
        self,
        path: bytes,
        *,
        mode: int | None = None,
        times: tuple[float, float] | None = None,
        size: int | None = None,
    ) -> None:
        """Change what is given: `times` are access and change, as in `Attributes`."""
        real = self._changeable(path)
        if size is not None:
            self._truncate(path, size)
        self._set(real, 0, mode=mode, times=times)

    def _need_file(self, real: Real, opened: int) -> int:
        """The descriptor, if it may be read as a file; else it is closed."""
        try:
            found = os.fstat(opened)
            _need_plain(found)
            if real.made_by_job and found.st_uid != self._owner(real.anchor):
                raise PermissionError(errno.EACCES, "this file does not belong to the task that left it")
        except BaseException:  # raised again, with nothing left open
            os.close(opened)
            raise
        return opened

    def _owner(self, folder: str) -> int:
        with self._data.folder(folder) as opened:
            return os.fstat(opened).st_uid

    def _set(
        self, real: Real, flags: int, *, mode: int | None = None, times: tuple[float, float] | None = None
    ) -> None:
        opened = open_real(self._data, real, _READ | os.O_NOFOLLOW | flags)
        try:
            found = os.fstat(opened)
            if not stat.S_ISDIR(found.st_mode):
                _need_plain(found)
            if mode is not None:
                os.fchmod(opened, of_folder(mode) if stat.S_ISDIR(found.st_mode) else of_file(mode))
            if times is not None:
                os.utime(opened, times)
        finally:
            os.close(opened)

    def _truncate(self, path: bytes, size: int) -> None:
        if not 0 <= size <= LARGEST_FILE_BYTES:
            raise OSError(errno.EFBIG, f"a file has at most {LARGEST_FILE_BYTES} bytes")
        opened = self.open_update(path)
        try:
            os.ftruncate(opened, size)
        finally:
            os.close(opened)

    def _real(self, path: bytes) -> Real:
        place = self._places.find(path)
        if not isinstance(place, Real):
            raise read_only("nothing can be put here: datasets/NAME/ and home/ take files")
        return place

    def _changeable(self, path: bytes) -> Real:
        real = self._real(path)
        need_changeable(real)
        return real


def _need_same(source: Real, target: Real) -> None:
    if source.anchor != target.anchor:
        raise OSError(errno.EXDEV, "things move within one project's datasets, or within home: copy instead")


def _need_regular(spot: Spot) -> None:
    found = spot.stat()
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    _need_plain(found)


def _need_plain(found: os.stat_result) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    if not stat.S_ISREG(found.st_mode):
        raise PermissionError(errno.EACCES, "this is no regular file")


def _in_memory(content: bytes) -> int:
    opened = os.memfd_create("authorized_keys", os.MFD_CLOEXEC)
    os.write(opened, content)
    os.lseek(opened, 0, os.SEEK_SET)
    return opened
