"""Patterns in the paths of `scp -f`: old clients leave `*`, `?` and `[…]` to a shell at this end, which is not here."""

from __future__ import annotations

import errno
import itertools
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Final

from tovi_server.files.tree import Tree

_MOST: Final = 10_000
_MAGIC: Final = re.compile(rb"[*?\[]")


def expand(tree: Tree, path: bytes) -> list[bytes]:
    """What a pattern matches, sorted; the path itself when it names something, or when nothing matches. Blocks.

    Raises:
        OSError: E2BIG when far too much matches.
    """
    if not _MAGIC.search(path) or _exists(tree, path):
        return [path]
    found = [b""]
    for part in path.split(b"/"):
        matches = (match for folder in found for match in _matches(tree, folder, part))
        found = list(itertools.islice(matches, _MOST + 1))
        if len(found) > _MOST:
            raise OSError(errno.E2BIG, f"more than {_MOST} names match")
    return sorted(found) or [path]


def _matches(tree: Tree, folder: bytes, part: bytes) -> Iterator[bytes]:
    if not part:
        return iter([folder])
    if not _MAGIC.search(part):
        path = folder + b"/" + part
        return iter([path] if _exists(tree, path) else [])
    return (folder + b"/" + name for name in _names(tree, folder) if _fits(name, part))


def _names(tree: Tree, folder: bytes) -> Iterator[bytes]:
    try:
        yield from (name for name, _ in tree.list(folder))
    except OSError:
        return  # no folder, or none that the caller may see: nothing matches in it


def _fits(name: bytes, pattern: bytes) -> bool:
    """As a shell's: a dot in front is not matched by a wildcard."""
    if name.startswith(b".") and not pattern.startswith(b"."):
        return False
    return fnmatchcase(name.decode(errors="surrogateescape"), pattern.decode(errors="surrogateescape"))


def _exists(tree: Tree, path: bytes) -> bool:
    try:
        tree.lstat(path)
    except OSError:
        return False
    return True
