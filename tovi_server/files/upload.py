"""Uploads: written under a hidden name beside their place, and there, whole, when the client says that it is done."""

from __future__ import annotations

import errno
import fcntl
import os
import secrets
import stat
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from tovi_server.core.resources import TIB
from tovi_server.files import modes, names
from tovi_server.files.renaming import rename_new

LARGEST_FILE_BYTES: Final = 4 * TIB

_PART: Final = names.HIDDEN + b"part-"
_OPEN_PART: Final = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FULL: Final = (errno.ENOSPC, errno.EDQUOT)


def part_name(user: str, name: bytes) -> bytes:
    """Where the part of an unfinished upload of that name waits to be resumed, by the same user only."""
    return _PART + sha256(user.encode() + b"\0" + name).hexdigest()[:32].encode()


@dataclass(frozen=True, slots=True)
class Goal:
    """What an upload will become. `folder` is a descriptor of its own, which the upload closes."""

    folder: int
    name: bytes
    user: str
    exclusive: bool
    """Refuse to replace a file."""


class Upload:
    """One file on its way in. Not for several threads at once. Ends with `commit` or `discard`, each harmless again."""

    def __init__(self, goal: Goal, *, resume: bool, mode: int) -> None:
        """Open the part; `goal.folder` is closed also when this fails.

        Raises:
            OSError: EAGAIN when the same user is uploading the part that is to be resumed.
        """
        self._goal = goal
        self._mode = modes.of_file(mode)
        self._times: tuple[float, float] | None = None
        self._failure: OSError | None = None
        self._open = True
        try:
            self._part, self.fd, self._resumable = _open_part(goal, resume=resume)
            if not resume:
                os.ftruncate(self.fd, 0)
        except BaseException:  # raised again, with nothing left open
            os.close(goal.folder)
            raise

    @property
    def size(self) -> int:
        """What has been written so far; when resumed, what was there before too."""
        return os.fstat(self.fd).st_size

    def write_at(self, offset: int, data: bytes | memoryview) -> None:
        """Write all of it. After an error it cannot be committed, and after ENOSPC or EDQUOT the part is not kept."""
        if offset < 0 or offset + len(data) > LARGEST_FILE_BYTES:
            raise OSError(errno.EFBIG, f"a file has at most {LARGEST_FILE_BYTES} bytes")
        left = memoryview(data)
        try:
            while left:
                written = os.pwrite(self.fd, left, offset)
                left, offset = left[written:], offset + written
        except OSError as error:
            self._failure = error
            raise

    def read_at(self, offset: int, limit: int) -> bytes:
        """What was written there, as much as there is."""
        return os.pread(self.fd, limit, offset)

    def truncate(self, size: int) -> None:
        if not 0 <= size <= LARGEST_FILE_BYTES:
            raise OSError(errno.EFBIG, f"a file has at most {LARGEST_FILE_BYTES} bytes")
        os.ftruncate(self.fd, size)

    def set_times(self, atime: float, mtime: float) -> None:
        """Of the file, once it is there."""
        self._times = (atime, mtime)

    def set_mode(self, mode: int) -> None:
        """Of the file, once it is there; setuid and the like are dropped."""
        self._mode = modes.of_file(mode)

    def commit(self) -> None:
        """Make it visible, whole, under its name, and durable. Atomic.

        Raises:
            OSError: it is not visible, and the upload is discarded.
        """
        if not self._open:
            return
        try:
            self._need_all_written()
            self._dress()
            os.fsync(self.fd)
            self._move()
        except OSError as error:
            self._failure = error
            self.discard()
            raise
        self._open = False
        try:
            _sync_folder(self._goal.folder)
        finally:
            self._close()

    def discard(self) -> None:
        """Leave nothing visible. What came so far is kept under its hidden name, to be resumed, if that makes sense."""
        if not self._open:
            return
        self._open = False
        try:
            is_full = self._failure is not None and self._failure.errno in _FULL
            if is_full or not self._resumable or self.size == 0:
                os.unlink(self._part, dir_fd=self._goal.folder)
        except FileNotFoundError:
            pass
        finally:
            self._close()

    def _need_all_written(self) -> None:
        """Clients close a file also after an error, e.g. `scp`: what came then must not pass for the whole."""
        if self._failure is not None:
            raise OSError(self._failure.errno, "not all of the file could be written, so it is not there")

    def _dress(self) -> None:
        os.fchmod(self.fd, self._mode)
        if self._times is not None:
            os.utime(self.fd, self._times)

    def _move(self) -> None:
        folder, name = self._goal.folder, self._goal.name
        if self._goal.exclusive:
            rename_new(folder, self._part, folder, name)
        else:
            os.rename(self._part, name, src_dir_fd=folder, dst_dir_fd=folder)

    def _close(self) -> None:
        os.close(self.fd)
        os.close(self._goal.folder)


def _open_part(goal: Goal, *, resume: bool) -> tuple[bytes, int, bool]:
    """Name and descriptor of a part that nobody else writes, and whether it can be resumed later."""
    usual = part_name(goal.user, goal.name)
    while (opened := _open_alone(goal.folder, usual)) is not None:
        if _is_still_called(goal.folder, usual, opened):
            return usual, opened, True
        os.close(opened)
    if resume:
        raise OSError(errno.EAGAIN, "you are uploading this file already")
    own = usual + b"-" + secrets.token_hex(8).encode()
    return own, os.open(own, _OPEN_PART | os.O_EXCL, 0o600, dir_fd=goal.folder), False


def _open_alone(folder: int, name: bytes) -> int | None:
    """None when another upload holds it."""
    opened = os.open(name, _OPEN_PART, 0o600, dir_fd=folder)
    try:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "the part of this upload is no file")
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(opened)
        return None
    except BaseException:  # raised again, with nothing left open
        os.close(opened)
        raise
    return opened


def _is_still_called(folder: int, name: bytes, opened: int) -> bool:
    """Another upload may have finished, and taken the name away, before the lock was ours."""
    try:
        return os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(opened))
    except FileNotFoundError:
        return False


def _sync_folder(folder: int) -> None:
    readable = os.open(b".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(readable)
    finally:
        os.close(readable)
