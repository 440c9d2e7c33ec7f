"""Small files that a job left, read without trusting it."""

from __future__ import annotations

import os
import stat

from tovi_server.files.beneath import Resolver


def read_small(resolver: Resolver, folder: int, path: str, *, limit: int) -> bytes | None:
    """The content of a regular file beneath a folder, a descriptor; None when there is no such file.

    Raises:
        ValueError: the file is longer than `limit` bytes.
    """
    try:
        opened = resolver.open(folder, os.fsencode(path), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_NOCTTY)
    except OSError:
        return None
    with open(opened, "rb", buffering=0) as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        content = file.read(limit + 1)
    if len(content) > limit:
        raise ValueError(f"more than {limit} bytes")
    return content
