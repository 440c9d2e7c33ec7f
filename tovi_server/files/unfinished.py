"""Parts of uploads that wait to be resumed."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from tovi_server.files import names
from tovi_server.files.spots import Spot
from tovi_server.files.upload import part_name


def stat_of(spot: Spot, user: str) -> os.stat_result | None:
    """Of the user's own part of an upload to there; None when there is none."""
    return Spot(spot.folder, part_name(user, spot.name)).stat()


def remove(spot: Spot, user: str) -> bool:
    """Give up the user's own part of an upload to there; whether there was one."""
    try:
        os.unlink(part_name(user, spot.name), dir_fd=spot.folder)
    except FileNotFoundError:
        return False
    return True


def clear(spot: Spot) -> bool:
    """Remove what is left of uploads in a folder that has nothing else; False when there is more, or one goes on."""
    folder = os.open(spot.name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=spot.folder)
    try:
        found = [os.fsencode(name) for name in os.listdir(folder)]
        if not all(names.is_hidden(name) for name in found):
            return False
        return all(_clear_one(folder, name) for name in found)
    finally:
        os.close(folder)


def _clear_one(folder: int, name: bytes) -> bool:
    try:
        part = os.open(name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            return False
        raise
    try:
        return stat.S_ISREG(os.fstat(part).st_mode) and _unlink_unless_held(part, folder, name)
    finally:
        os.close(part)


def _unlink_unless_held(part: int, folder: int, name: bytes) -> bool:
    try:
        fcntl.flock(part, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.unlink(name, dir_fd=folder)
    return True
