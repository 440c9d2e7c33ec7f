"""Permission bits in the shared directory.

Whoever uploads, files belong to the server, their group is the project's, and only the server writes: so tasks, which
run in that group, can read data and never change it.
"""

from __future__ import annotations

import os
import stat
from typing import Final

FOLDER: Final = 0o2750
"""Of what a project shares; the group is passed on to what is made inside."""
PASSAGE: Final = 0o711
"""Of folders that tasks pass through without seeing what is there."""
PRIVATE: Final = 0o700

_KEPT: Final = 0o755
"""No setuid, setgid or sticky bit, and nobody else writes."""


def of_file(mode: int) -> int:
    return (mode & _KEPT) | 0o440


def of_folder(mode: int) -> int:
    return (mode & _KEPT) | FOLDER


def shown(mode: int) -> int:
    """What people see: the kind of thing, and the plain permission bits."""
    return stat.S_IFMT(mode) | (mode & 0o777)


def is_root() -> bool:
    """Whether files can be given to tasks' own users."""
    return os.geteuid() == 0
