"""What Linux offers a process to say of itself, and Python does not."""

from __future__ import annotations

import ctypes
import os
import signal
from typing import Final

_SET_PARENT_DEATH_SIGNAL: Final = 1
_SET_NAME: Final = 15

_libc: Final = ctypes.CDLL(None, use_errno=True)


def set_name(name: str) -> None:
    """What lists of processes call this one; at most 15 bytes."""
    _prctl(_SET_NAME, ctypes.c_char_p(name.encode()))


def die_with(parent: int) -> None:
    """Be killed by the kernel when `parent` ends, however it does; now, if it has ended already."""
    _prctl(_SET_PARENT_DEATH_SIGNAL, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def _prctl(option: int, argument: ctypes.c_char_p | ctypes.c_ulong) -> None:
    if _libc.prctl(option, argument, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
