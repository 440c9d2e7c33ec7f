"""What Linux can say and do about one connection beyond sending and receiving."""

from __future__ import annotations

import fcntl
import socket
import struct
import termios
from typing import Final

_TCP_QUICKACK: Final = getattr(socket, "TCP_QUICKACK", None)


def acknowledge_now(sock: socket.socket | None) -> None:
    """Linux falls back to delayed acknowledgements (about 40 ms a step of a login) unless told each time."""
    if _TCP_QUICKACK is not None and sock is not None and sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.IPPROTO_TCP, _TCP_QUICKACK, 1)


def unacknowledged_bytes(sock: socket.socket | None) -> int:
    """Sent, and not yet taken by the peer's machine."""
    if sock is None:
        return 0
    (size,) = struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))
    return int(size)
