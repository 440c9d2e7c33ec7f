"""Files for people who look at them on a screen: folders in pages, parts of files, and what may be done to them.

Names are text here. One that is no text is shown with escapes, and cannot be asked for.
"""

from __future__ import annotations

import errno
import heapq
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from tovi_server.core import views
from tovi_server.core.errors import ConflictError, DeniedError, NotFoundError, ToviError, UsageError
from tovi_server.core.safe import safe_line
from tovi_server.files.attributes import Attributes, time_of
from tovi_server.files.tree import Tree

MOST_FILES: Final = 1000
MOST_BYTES: Final = 256 * 1024

_ERRORS: Final[dict[int | None, type[ToviError]]] = {
    errno.ENOENT: NotFoundError,
    errno.ENOTDIR: NotFoundError,
    errno.ELOOP: NotFoundError,
    errno.EACCES: DeniedError,
    errno.EPERM: DeniedError,
    errno.EROFS: DeniedError,
    errno.EXDEV: DeniedError,
    errno.EEXIST: ConflictError,
    errno.ENOTEMPTY: ConflictError,
    errno.EINVAL: UsageError,
    errno.EISDIR: UsageError,
    errno.ENAMETOOLONG: UsageError,
}


class Viewing:
    """One caller's tree, looked at. Blocking."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree

    def page(self, path: str, *, after: str | None, limit: int) -> views.FilePage:
        """The files of a folder by name, at most `limit` of those behind `after`."""
        limit = max(1, min(limit, MOST_FILES))
        with _told(path), _closing(self._tree.list(_bytes(path))) as listed:
            shown = (_view(name, found) for name, found in listed)
            later = (one for one in shown if after is None or _key(one.path) > _key(after))
            found = heapq.nsmallest(limit + 1, later, key=lambda one: _key(one.path))
            writable = self._tree.is_changeable(_bytes(path))
            return views.FilePage(path, tuple(found[:limit]), len(found) > limit, writable)

    def part(self, path: str, *, start: int, length: int) -> views.FilePart:
        """Bytes of a file."""
        with _told(path):
            opened = self._tree.open_read(_bytes(path))
            try:
                return _part(opened, max(0, start), max(0, min(length, MOST_BYTES)))
            finally:
                os.close(opened)

    def remove(self, path: str) -> None:
        """A file, or a folder with all that is in it."""
        with _told(path):
            if self._tree.lstat(_bytes(path)).is_dir:
                self._tree.remove_tree(_bytes(path))
            else:
                self._tree.remove(_bytes(path))

    def rename(self, path: str, to: str) -> None:
        """Never over something else."""
        with _told(f"{path} to {to}"):
            self._tree.rename(_bytes(path), _bytes(to), replace=False)


def _part(opened: int, start: int, length: int) -> views.FilePart:
    size = os.fstat(opened).st_size
    data = os.pread(opened, length, start) if start < size else b""
    return views.FilePart(start, data, max(size, start + len(data)) if data else size)


def _view(name: bytes, found: Attributes) -> views.FileView:
    changed = time_of(found.mtime) if found.mtime else None
    return views.FileView(safe_line(os.fsdecode(name)) + ("/" if found.is_dir else ""), found.size, changed)


def _key(name: str) -> str:
    return name.removesuffix("/")


def _bytes(path: str) -> bytes:
    try:
        return path.encode()
    except UnicodeEncodeError as error:
        raise NotFoundError(f"there is no {safe_line(path)}") from error


@contextmanager
def _closing(listed: Iterator[tuple[bytes, Attributes]]) -> Iterator[Iterator[tuple[bytes, Attributes]]]:
    try:
        yield listed
    finally:
        close = getattr(listed, "close", None)  # folders that are only in the tree have nothing to close
        if close is not None:
            close()


@contextmanager
def _told(path: str) -> Iterator[None]:
    """What the system says, as people are told."""
    try:
        yield
    except OSError as error:
        kind = _ERRORS.get(error.errno, ToviError)
        raise kind(f"{path or '/'}: {error.strerror or error}") from error
