"""Opening a path beneath a directory descriptor, so that no link, however it came there, leads out of it.

Two ways, alike in all they answer: the kernel's openat2, and a walk of our own for kernels and sandboxes without it.
A way out (an absolute link, too many `..`) is EXDEV; links that stay beneath are followed.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from contextlib import ExitStack
from typing import Final, Protocol

_OPENAT2: Final = 437
_RESOLVE: Final = 0x02 | 0x08
"""RESOLVE_NO_MAGICLINKS, RESOLVE_BENEATH."""
_MOST_LINKS: Final = 40
_MOST_TRIES: Final = 1000


class Resolver(Protocol):
    """A way to open a path beneath a descriptor."""

    def open(self, root: int, path: bytes, flags: int, mode: int = 0) -> int:
        """A new descriptor, closed on exec. `path` is relative, the root itself when empty.

        Raises:
            OSError: EXDEV when the path leads out of the root; else as open(2).
        """
        ...


class _How(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_syscall = ctypes.CDLL(None, use_errno=True).syscall
_syscall.restype = ctypes.c_long
_syscall.argtypes = (ctypes.c_long, ctypes.c_int, ctypes.c_char_p, ctypes.POINTER(_How), ctypes.c_size_t)


class KernelResolver:
    """By openat2 (Linux 5.6), which no race can trick."""

    def open(self, root: int, path: bytes, flags: int, mode: int = 0) -> int:
        _need_relative(path)
        how = _How(flags | os.O_CLOEXEC, mode if flags & os.O_CREAT else 0, _RESOLVE)
        for _ in range(_MOST_TRIES):
            opened = int(_syscall(_OPENAT2, root, path or b".", ctypes.byref(how), ctypes.sizeof(how)))
            if opened >= 0:
                return opened
            number = ctypes.get_errno()
            if number not in (errno.EAGAIN, errno.EINTR):
                raise OSError(number, os.strerror(number), path)
        # The kernel asks to try again when something was renamed while it went through a `..`.
        raise OSError(errno.EXDEV, "folders are being moved", path)

    @staticmethod
    def works() -> bool:
        """Whether this kernel, and the sandbox around this process, let it be used."""
        root = os.open("/", os.O_PATH | os.O_CLOEXEC)
        try:
            os.close(KernelResolver().open(root, b"", os.O_PATH))
        except OSError:
            return False
        finally:
            os.close(root)
        return True


class WalkResolver:
    """A name at a time, never following a link but by reading it and walking on from there."""

    def open(self, root: int, path: bytes, flags: int, mode: int = 0) -> int:
        _need_relative(path)
        with ExitStack() as folders:
            return _Walk(folders, root, path).to_end(flags | os.O_CLOEXEC, mode)


class _Walk:
    """Where a walk is: descriptors of the folders it came through, and the names that are left, last first."""

    def __init__(self, folders: ExitStack, root: int, path: bytes) -> None:
        self._folders = folders
        self._way = [root]
        self._left = path.split(b"/")[::-1]
        self._links = 0

    def to_end(self, flags: int, mode: int) -> int:
        while self._left:
            name = self._left.pop()
            if name in (b"", b"."):
                continue
            if name == b"..":
                self._up()
            elif any(left not in (b"", b".") for left in self._left):
                self._down(name)
            elif (opened := self._last(name, flags, mode)) is not None:
                return opened
        return os.open(b".", flags, dir_fd=self._way[-1])

    def _up(self) -> None:
        if len(self._way) == 1:
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        self._way.pop()

    def _down(self, name: bytes) -> None:
        here = self._way[-1]
        try:
            folder = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=here)
        except NotADirectoryError:
            self._follow(name)
            return
        self._folders.callback(os.close, folder)
        self._way.append(folder)

    def _last(self, name: bytes, flags: int, mode: int) -> int | None:
        """The descriptor; None when the name was a link, which is now the rest of the way."""
        try:
            opened = os.open(name, flags | os.O_NOFOLLOW, mode, dir_fd=self._way[-1])
        except OSError as error:
            if flags & os.O_NOFOLLOW or error.errno not in (errno.ELOOP, errno.ENOTDIR):
                raise
            self._follow(name)
            return None
        if flags & os.O_PATH and not flags & os.O_NOFOLLOW and stat.S_ISLNK(os.fstat(opened).st_mode):
            os.close(opened)
            self._follow(name)
            return None
        return opened

    def _follow(self, name: bytes) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), name)
        try:
            target = os.readlink(name, dir_fd=self._way[-1])
        except OSError as error:
            if error.errno == errno.EINVAL:
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), name) from error
            raise
        if target.startswith(b"/"):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), name)
        self._left += target.split(b"/")[::-1]


def _need_relative(path: bytes) -> None:
    if path.startswith(b"/"):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), path)


def best_resolver() -> Resolver:
    """What works here."""
    return KernelResolver() if KernelResolver.works() else WalkResolver()
