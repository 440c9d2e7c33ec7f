"""Small files of the server's own, there whole or not at all."""

from __future__ import annotations

import os
import secrets
from typing import Final

from tovi_server.files.names import HIDDEN

_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def write_whole(folder: int, name: str, content: bytes, *, mode: int) -> None:
    """Write a file in a folder, given by its descriptor, replacing one that is there. Atomic; not flushed."""
    new = f"{os.fsdecode(HIDDEN)}new-{secrets.token_hex(8)}"
    try:
        _write(folder, new, content, mode)
        os.rename(new, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        _forget(folder, new)
        raise


def _write(folder: int, name: str, content: bytes, mode: int) -> None:
    opened = os.open(name, _NEW, 0o600, dir_fd=folder)
    try:
        left = memoryview(content)
        while left:
            left = left[os.write(opened, left) :]
        os.fchmod(opened, mode)
    finally:
        os.close(opened)


def _forget(folder: int, name: str) -> None:
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return
