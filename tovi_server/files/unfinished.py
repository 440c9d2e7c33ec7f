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
        return all(give_up(Spot(folder, name)) for name in found)
    finally:
        os.close(folder)


def give_up(part: Spot) -> bool:
    """Remove a part, whoever's it is; False when its upload goes on, or it is no part."""
    try:
        opened = os.open(part.name, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=part.folder)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.EISDIR, errno.ENXIO):
            return False
        raise
    try:
        return stat.S_ISREG(os.fstat(opened).st_mode) and _unlink_unless_held(opened, part)
    finally:
        os.close(opened)


def _unlink_unless_held(opened: int, part: Spot) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.unlink(part.name, dir_fd=part.folder)
    return True
