"""Making what was written survive a power cut."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Collection
from typing import Final

_FEW: Final = 32
"""Up to so many files are flushed one by one; for more it is quicker to flush the file system once."""

_syncfs = ctypes.CDLL(None, use_errno=True).syncfs
_syncfs.restype = ctypes.c_int
_syncfs.argtypes = (ctypes.c_int,)


def flush_files(folder: int, names: Collection[str]) -> None:
    """The contents of files, and the names in folders, of a folder given by its descriptor."""
    if len(names) > _FEW:
        flush_file_system(folder)
        return
    for name in names:
        flush(name, folder)


def flush(name: str | bytes, folder: int) -> None:
    """One file, or the names in a folder."""
    opened = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def flush_file_system(folder: int) -> None:
    """All that was written to the file system of a folder."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        if _syncfs(readable) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number))
    finally:
        os.close(readable)
