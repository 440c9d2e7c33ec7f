"""Copying a file's content by the kernel: shared blocks where the file system can, no detour through this process."""

from __future__ import annotations

import errno
import os
from typing import Final

_PIECE: Final = 1 << 30
_CANNOT: Final = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)


def copy_content(source: int, target: int) -> None:
    """All of `source` from its beginning, to the beginning of `target`, both descriptors."""
    try:
        while os.copy_file_range(source, target, _PIECE):
            pass
    except OSError as error:
        if error.errno not in _CANNOT:
            raise
        _copy_by_hand(source, target)


def _copy_by_hand(source: int, target: int) -> None:
    """From where the kernel stopped, for file systems that do not help."""
    while piece := os.read(source, 1 << 20):
        left = memoryview(piece)
        while left:
            left = left[os.write(target, left) :]
