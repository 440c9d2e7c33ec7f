"""How the shims learn that the server is gone: a pipe of which it alone holds the end that is written to.

Each shim has its own opening of the other end, set to send it a signal when something happens on the pipe (O_ASYNC).
Nothing ever does, but the server's end being closed, by the kernel if need be.
"""

from __future__ import annotations

import fcntl
import os
import signal
from dataclasses import dataclass
from typing import Final

_ALARM: Final = signal.SIGURG
"""A signal that is ignored unless somebody waits for it."""


@dataclass(frozen=True, slots=True)
class Lifeline:
    _read: int
    _write: int

    @classmethod
    def open(cls) -> Lifeline:
        return cls(*os.pipe2(os.O_CLOEXEC))

    def close(self) -> None:
        """Leave all shims to themselves."""
        os.close(self._write)
        os.close(self._read)

    @property
    def seen_from_outside(self) -> str:
        """A path that leads to the pipe while, and only while, this process holds it."""
        return f"/proc/{os.getpid()}/fd/{self._write}"

    def opening(self) -> int:
        """An opening for one shim, to be closed here once it was handed over."""
        return os.open(f"/proc/self/fd/{self._read}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def tie(opening: int, pid: int) -> None:
    """Have the process told when the server is gone."""
    fcntl.fcntl(opening, fcntl.F_SETOWN, pid)
    fcntl.fcntl(opening, fcntl.F_SETSIG, _ALARM)
    fcntl.fcntl(opening, fcntl.F_SETFL, os.O_RDONLY | os.O_NONBLOCK | os.O_ASYNC)
