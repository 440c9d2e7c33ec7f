"""A pseudo-terminal of this machine: a program is on one side of it, we are on the other."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
import tty
from typing import Final

from tovi_server.receivers.terminal import Size

_PIECE_BYTES: Final = 64 * 1024
_OUTPUT: Final = 1
"""Where `termios` lists the modes of output."""


class PseudoTerminal:
    """Nothing here waits. The size is there before the program is."""

    def __init__(self, size: Size) -> None:
        self.ours, self.theirs = os.openpty()
        """`theirs` is for the program, and closed here once it has it."""
        os.set_blocking(self.ours, False)
        _be_silent(self.theirs)
        self.resize(size)

    def resize(self, size: Size) -> None:
        """Tell the program too."""
        fields = struct.pack("HHHH", size.lines, size.columns, size.width_pixels, size.height_pixels)
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, fields)

    def read(self) -> bytes | None:
        """What the program wrote. None: nothing now. Empty: nothing ever again."""
        try:
            return os.read(self.ours, _PIECE_BYTES)
        except BlockingIOError:
            return None
        except OSError:  # EIO: nobody has the other side open
            return b""

    def write(self, data: bytes | bytearray) -> int:
        """How much of it the program's side took."""
        try:
            return os.write(self.ours, data)
        except BlockingIOError:
            return 0
        except OSError:  # EIO: nobody has the other side open, nor will
            return len(data)

    def give_away(self) -> None:
        """The program has its side."""
        if self.theirs >= 0:
            os.close(self.theirs)
            self.theirs = -1

    def close(self) -> None:
        """Hang up: a program that is still there is told so by the kernel."""
        self.give_away()
        os.close(self.ours)


def _be_silent(terminal: int) -> None:
    """Keys typed before the program is ready wait for it as they are; none is shown, none is a signal."""
    tty.setraw(terminal)
    modes = termios.tcgetattr(terminal)
    modes[_OUTPUT] |= termios.OPOST | termios.ONLCR
    termios.tcsetattr(terminal, termios.TCSANOW, modes)
