"""Which links people may make: relative ones that stay in their tree. Those that jobs make are met when opening."""

from __future__ import annotations

import errno

from tovi_server.files.names import LONGEST_PATH_BYTES, has_control


def need_inner_target(target: bytes, place: bytes) -> None:
    """Whether a link at `place`, a path beneath some top, may lead to `target`.

    Raises:
        OSError: EINVAL for no target at all or one with control characters, EACCES when it leads out of the top.
    """
    if not target or has_control(target) or len(target) > LONGEST_PATH_BYTES:
        raise OSError(errno.EINVAL, "a link leads to a plain path")
    if leads_out(target, depth=place.count(b"/")):
        raise PermissionError(errno.EACCES, "a link is relative and stays in this tree")


def leads_out(target: bytes, *, depth: int) -> bool:
    """Whether a link in a folder `depth` below the top leaves it, by its text alone."""
    if target.startswith(b"/"):
        return True
    for name in target.split(b"/"):
        if name == b"..":
            depth -= 1
        elif name not in (b"", b"."):
            depth += 1
        if depth < 0:
            return True
    return False
