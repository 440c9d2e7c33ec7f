"""What is told about a file, and lists of them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from tovi_server.files import modes, names


@dataclass(frozen=True, slots=True)
class Attributes:
    """`mode` has the kind of thing and plain permission bits; times are seconds since 1970, UTC."""

    mode: int
    size: int
    mtime: float
    atime: float

    @property
    def is_dir(self) -> bool:
        return stat.S_ISDIR(self.mode)

    @property
    def is_link(self) -> bool:
        return stat.S_ISLNK(self.mode)

    @property
    def is_file(self) -> bool:
        return stat.S_ISREG(self.mode)


def of(found: os.stat_result) -> Attributes:
    return Attributes(modes.shown(found.st_mode), found.st_size, found.st_mtime, found.st_atime)


def time_of(mtime: float) -> datetime | None:
    """To the second; None: in no year that has a date, which jobs can make files say."""
    try:
        return datetime.fromtimestamp(int(mtime), UTC)
    except (ValueError, OverflowError, OSError):
        return None


def of_shelf(behind: os.stat_result | None) -> Attributes:
    """Of a folder that is only in the tree."""
    mode = stat.S_IFDIR | 0o555
    return Attributes(mode, 0, 0, 0) if behind is None else Attributes(mode, 0, behind.st_mtime, behind.st_atime)


def of_text(content: bytes) -> Attributes:
    return Attributes(stat.S_IFREG | 0o444, len(content), 0, 0)


class Listing(Iterator[tuple[bytes, Attributes]]):
    """What is in a folder, read as it is asked for: a folder may have a million names. Close it, or use it up."""

    def __init__(self, folder: int) -> None:
        """`folder` is a readable descriptor, which the listing closes."""
        self._folder: int | None = folder
        self._entries = os.scandir(folder)

    def __next__(self) -> tuple[bytes, Attributes]:
        while self._folder is not None:
            try:
                entry = next(self._entries)
            except StopIteration:
                self.close()
                break
            name = os.fsencode(entry.name)
            if not names.is_hidden(name) and (found := _stat(entry)) is not None:
                return name, found
        raise StopIteration

    def close(self) -> None:
        self._entries.close()
        if self._folder is not None:
            os.close(self._folder)
            self._folder = None

    def __del__(self) -> None:
        self.close()


def _stat(entry: os.DirEntry[str]) -> Attributes | None:
    """None when it is gone already."""
    try:
        return of(entry.stat(follow_symlinks=False))
    except FileNotFoundError:
        return None
