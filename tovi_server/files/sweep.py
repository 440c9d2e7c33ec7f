"""Leftovers of clients and processes that went away, removed when they are old enough to be of no use to anybody."""

from __future__ import annotations

import os
import stat
from datetime import datetime
from typing import Final

from tovi_server.files import names, unfinished
from tovi_server.files.datadir import DataDir
from tovi_server.files.objects import STAGING
from tovi_server.files.removing import remove_tree
from tovi_server.files.snapshots import NEW_TREE
from tovi_server.files.spots import Spot

_LIST: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def sweep(data: DataDir, *, before: datetime) -> int:
    """Remove parts of uploads, of submissions and of trees that were touched last before that time; how many."""
    limit = before.timestamp()
    removed = _old_folders(data, STAGING, "", limit) + _parts_beneath(data, "home", limit)
    for project in _names(data, "projects"):
        removed += _old_folders(data, f"projects/{project}/trees", NEW_TREE, limit)
        removed += _parts_beneath(data, f"projects/{project}/datasets", limit)
    return removed


def _names(data: DataDir, path: str) -> list[str]:
    folder = data.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return os.listdir(folder)
    finally:
        os.close(folder)


def _old_folders(data: DataDir, path: str, prefix: str, limit: float) -> int:
    """Folders that begin so, in one folder."""
    if not data.exists(path):
        return 0
    removed = 0
    with data.folder(path) as folder:
        for name in _names(data, path):
            if name.startswith(prefix) and _is_old(folder, name, limit):
                removed += remove_tree(folder, name)
    return removed


def _is_old(folder: int, name: str, limit: float) -> bool:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False).st_mtime < limit
    except FileNotFoundError:
        return False


def _parts_beneath(data: DataDir, path: str, limit: float) -> int:
    if not data.exists(path):
        return 0
    folder = data.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return _parts(folder, limit, depth=0)
    finally:
        os.close(folder)


def _parts(folder: int, limit: float, *, depth: int) -> int:
    removed = 0
    for name in os.listdir(folder):
        if names.is_hidden(os.fsencode(name)):
            removed += _is_old(folder, name, limit) and unfinished.give_up(Spot(folder, os.fsencode(name)))
        elif depth < 2 * names.DEEPEST and _is_folder(folder, name):
            removed += _parts_in(folder, name, limit, depth + 1)
    return removed


def _parts_in(folder: int, name: str, limit: float, depth: int) -> int:
    try:
        inner = os.open(name, _LIST, dir_fd=folder)
    except OSError:
        # It was moved, or shut, or is a link by now: next time.
        return 0
    try:
        return _parts(inner, limit, depth=depth)
    finally:
        os.close(inner)


def _is_folder(folder: int, name: str) -> bool:
    try:
        return stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
