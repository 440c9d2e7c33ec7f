"""Taking what a task made out of its hands: from then on it belongs to the server, and is read-only.

Other processes of the task may still be there and change things meanwhile, so everything is done through descriptors of
what was looked at, folders are shut before they are gone through, and what belongs to others (a file of theirs, linked
here) is not kept.
"""

from __future__ import annotations

import errno
import os
import stat
from typing import Final

from scheduler.ports import Owner
from tovi_server.files import durable

DEEPEST: Final = 256
_FLUSHED_ALONE: Final = 32
"""After so many files the whole file system is flushed instead."""
_OPEN: Final = 0o2750
_SHUT: Final = 0o2550
_LOOK: Final = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_LIST: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC


def seal(top: int, owner: Owner) -> None:
    """Seal all that is in a folder, a readable descriptor, and make it durable. Again is harmless.

    The folder itself is the server's afterwards, and stays writable for it until `shut`.

    Raises:
        OSError: also ELOOP for folders deeper in each other than `DEEPEST`.
    """
    sealing = _Sealing(owner)
    sealing.take_folder(top)
    if os.listdir(top):
        sealing.inside(top, depth=0)
        sealing.flush(top)


def shut(top: int) -> None:
    """Make a sealed folder read-only for the server itself too."""
    os.fchmod(top, _SHUT)


class _Sealing:
    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._server = os.geteuid()
        self._files = 0

    def take_folder(self, folder: int) -> None:
        if self._owner.uid is not None:
            os.fchown(folder, self._server, -1)
        os.fchmod(folder, _OPEN)

    def inside(self, folder: int, *, depth: int) -> None:
        if depth > DEEPEST:
            raise OSError(errno.ELOOP, f"folders lie more than {DEEPEST} deep in each other")
        for name in os.listdir(folder):
            looked = os.open(name, _LOOK, dir_fd=folder)
            try:
                self._entry(folder, name, looked, depth)
            finally:
                os.close(looked)

    def flush(self, top: int) -> None:
        if self._files > _FLUSHED_ALONE:
            durable.flush_file_system(top)
        else:
            os.fsync(top)

    def _entry(self, folder: int, name: str, looked: int, depth: int) -> None:
        found = os.fstat(looked)
        if stat.S_ISDIR(found.st_mode):
            self._folder(looked, depth)
        elif stat.S_ISREG(found.st_mode) and self._may_keep(found):
            self._file(looked, found)
        elif not stat.S_ISLNK(found.st_mode):
            os.unlink(name, dir_fd=folder)

    def _may_keep(self, found: os.stat_result) -> bool:
        """Whether it is the task's, or was sealed before; what the server shares with the project is no secret."""
        if self._owner.uid is None or found.st_uid == self._owner.uid:
            return True
        return found.st_uid == self._server and found.st_gid == self._owner.gid

    def _folder(self, looked: int, depth: int) -> None:
        self._give(looked, _OPEN)
        folder = os.open(_itself(looked), _LIST)
        try:
            self.inside(folder, depth=depth + 1)
            if self._files <= _FLUSHED_ALONE:
                os.fsync(folder)
            shut(folder)
        finally:
            os.close(folder)

    def _file(self, looked: int, found: os.stat_result) -> None:
        self._give(looked, (found.st_mode & 0o555) | 0o440)
        self._files += 1
        if self._files <= _FLUSHED_ALONE:
            file = os.open(_itself(looked), os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(file)
            finally:
                os.close(file)

    def _give(self, looked: int, mode: int) -> None:
        if self._owner.uid is not None:
            os.chown(_itself(looked), self._server, -1)
        os.chmod(_itself(looked), mode)


def _itself(descriptor: int) -> str:
    """What a descriptor was opened on, whatever its name means by now."""
    return f"/proc/self/fd/{descriptor}"
