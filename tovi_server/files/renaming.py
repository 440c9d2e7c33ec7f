"""Renaming that never replaces, by renameat2."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Final

_NOREPLACE: Final = 1

_renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
_renameat2.restype = ctypes.c_int
_renameat2.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_uint)


def rename_new(source: int, name: bytes, target: int, new_name: bytes) -> None:
    """Rename from one folder to another, both given by descriptors. Atomic.

    Raises:
        OSError: EEXIST when the new name is taken; else as rename(2).
    """
    if _renameat2(source, name, target, new_name, _NOREPLACE) == 0:
        return
    number = ctypes.get_errno()
    if number not in (errno.EINVAL, errno.ENOSYS):
        raise OSError(number, os.strerror(number), new_name)
    _rename_by_link(source, name, target, new_name)


def _rename_by_link(source: int, name: bytes, target: int, new_name: bytes) -> None:
    """For file systems without the flag (some network ones): files only."""
    os.link(name, new_name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
    os.unlink(name, dir_fd=source)
