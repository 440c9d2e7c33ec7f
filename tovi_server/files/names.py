"""Names as they come from people and jobs: bytes, compared and kept as they are, never made different."""

from __future__ import annotations

import errno
import re
from typing import Final

LONGEST_NAME_BYTES: Final = 255
LONGEST_PATH_BYTES: Final = 4095
DEEPEST: Final = 128
"""So many folders in each other; beyond it programs that walk trees begin to fail."""

HIDDEN: Final = b".tovi-"
"""Names that begin so are Tovi's own, such as parts of uploads: nobody sees or names them."""

DATASET: Final = re.compile(rb"[^.\x00-\x1f\x7f/][^\x00-\x1f\x7f/]{0,254}")

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f]")


def split(path: bytes) -> tuple[bytes, ...]:
    """The names of a path from the top of the tree, `.` and `..` resolved by the text alone; `..` stays at the top.

    Raises:
        OSError: EINVAL for a NUL, ENAMETOOLONG for what is too long or too deep.
    """
    if b"\0" in path:
        raise OSError(errno.EINVAL, "a name has no NUL in it")
    if len(path) > LONGEST_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, f"a path has at most {LONGEST_PATH_BYTES} bytes")
    names: list[bytes] = []
    for name in path.split(b"/"):
        if name == b"..":
            del names[-1:]
        elif name not in (b"", b"."):
            names.append(name)
    _need_sizes(names)
    return tuple(names)


def _need_sizes(names: list[bytes]) -> None:
    if len(names) > DEEPEST:
        raise OSError(errno.ENAMETOOLONG, f"folders lie at most {DEEPEST} deep in each other")
    if any(len(name) > LONGEST_NAME_BYTES for name in names):
        raise OSError(errno.ENAMETOOLONG, f"a name has at most {LONGEST_NAME_BYTES} bytes")


def is_hidden(name: bytes) -> bool:
    return name.startswith(HIDDEN)


def need_good_new_name(name: bytes) -> None:
    """Whether something may be called so: other people will see the name on their terminals.

    Raises:
        OSError: EINVAL for control characters, line breaks, and names that are Tovi's own.
    """
    if has_control(name):
        raise OSError(errno.EINVAL, "names with control characters or line breaks are refused")
    if is_hidden(name):
        raise OSError(errno.EINVAL, f"names that begin with {HIDDEN.decode()} are reserved")


def has_control(name: bytes) -> bool:
    """Whether there is a C0 or C1 control or DEL in it; of bytes that are no UTF-8 only C0 and DEL are looked for."""
    return _CONTROL.search(name.decode("utf-8", "replace")) is not None
