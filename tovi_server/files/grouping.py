"""Giving a project's folders to the group that its tasks run in."""

from __future__ import annotations

import os
import stat

from tovi_server.files import datadir
from tovi_server.files.datadir import DataDir

_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def adopt(data: DataDir, project: str, gid: int) -> None:
    """Make the group of everything in the project `gid`, if the project's folder has another.

    That is so when a project got its folder before anybody knew its group. What is made later inherits it.
    """
    folder = data.open(datadir.project_path(project), os.O_RDONLY | os.O_DIRECTORY)
    try:
        if os.fstat(folder).st_gid != gid:
            _give_inside(folder, gid)
            _give(folder, gid)
    finally:
        os.close(folder)


def _give_inside(folder: int, gid: int) -> None:
    for name in os.listdir(folder):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            inner = os.open(name, _LIST, dir_fd=folder)
            try:
                _give(inner, gid)
                _give_inside(inner, gid)
            finally:
                os.close(inner)
        elif stat.S_ISREG(found.st_mode):
            os.chown(name, -1, gid, dir_fd=folder, follow_symlinks=False)


def _give(folder: int, gid: int) -> None:
    """The setgid bit is lost with a change of the group for some servers, so it is set again."""
    mode = stat.S_IMODE(os.fstat(folder).st_mode)
    os.fchown(folder, -1, gid)
    os.fchmod(folder, mode)
