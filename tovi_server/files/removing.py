"""Removing a folder with all that is in it, whatever a job made of it: closed, deep without end, full of links."""

from __future__ import annotations

import errno
import os
from typing import Final

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_ROUNDS: Final = 10
"""So often it is tried anew when somebody keeps making files in it."""


def remove_tree(parent: int, name: str) -> bool:
    """Remove a folder of the folder `parent`, a descriptor; whether nothing is left of it. Absent is fine.

    Links are removed, never followed. Folders in it are moved up to its top and emptied there one after the other, so
    that depth costs nothing.
    """
    try:
        top = _open(parent, name)
    except FileNotFoundError:
        return True
    try:
        for _ in range(_MOST_ROUNDS):
            _Removal(top).run()
            if _rmdir(parent, name):
                return True
    finally:
        os.close(top)
    return False


class _Removal:
    """Empties a folder, given by a descriptor."""

    def __init__(self, top: int) -> None:
        self._top = top
        self._moved = 0

    def run(self) -> None:
        left = [entry for entry in os.listdir(self._top) if not _remove_plain(self._top, entry)]
        while left:
            left += self._empty(left.pop())

    def _empty(self, name: str) -> list[str]:
        """Remove a folder of the top; folders in it that are not empty move up, to the names returned."""
        try:
            folder = _open(self._top, name)
        except FileNotFoundError:
            return []
        try:
            inner = [self._move_up(folder, entry) for entry in os.listdir(folder) if not _remove_plain(folder, entry)]
        finally:
            os.close(folder)
        _rmdir(self._top, name)
        return [moved for moved in inner if moved is not None]

    def _move_up(self, folder: int, name: str) -> str | None:
        """The new name; None when it went away by itself."""
        while True:
            self._moved += 1
            new = f".removed-{self._moved}"
            try:
                _allow(folder, name)
                os.rename(name, new, src_dir_fd=folder, dst_dir_fd=self._top)
            except FileNotFoundError:
                return None
            except OSError as error:
                if error.errno in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
                    continue
                raise
            return new


def _remove_plain(folder: int, name: str) -> bool:
    """Remove a file, link or empty folder; False for a folder that is not empty."""
    try:
        os.unlink(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        # EPERM is what other systems say of a folder.
        if error.errno not in (errno.EISDIR, errno.EPERM):
            raise
        return _rmdir(folder, name)
    return True


def _rmdir(folder: int, name: str) -> bool:
    try:
        os.rmdir(name, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _open(folder: int, name: str) -> int:
    """A descriptor of a folder that can be listed and changed."""
    try:
        opened = os.open(name, _FOLDER, dir_fd=folder)
    except PermissionError:
        _allow(folder, name)
        return os.open(name, _FOLDER, dir_fd=folder)
    if os.geteuid() != 0:
        os.fchmod(opened, 0o700)
    return opened


def _allow(folder: int, name: str) -> None:
    """A job may have taken away its own right to look into a folder. Root needs no right."""
    if os.geteuid() == 0:
        return
    opened = os.open(name, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        os.chmod(f"/proc/self/fd/{opened}", 0o700)
    finally:
        os.close(opened)
