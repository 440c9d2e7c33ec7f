"""File attributes of SFTP version 3, to and from the wire. Owners are neither told nor taken."""

from __future__ import annotations

import errno
import stat
import time
from dataclasses import dataclass
from typing import Final

from tovi_server.core.safe import safe_line
from tovi_server.files.attributes import Attributes
from tovi_server.receivers.sftp_packets import Fields, string, uint32, uint64

_SIZE: Final = 0x01
_OWNER: Final = 0x02
_PERMISSIONS: Final = 0x04
_TIMES: Final = 0x08
_EXTENDED: Final = 0x80000000
_LAST_SECOND: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a client wants to set; None is not touched. `times` are access and change."""

    size: int | None = None
    mode: int | None = None
    times: tuple[float, float] | None = None
    owner: bool = False
    """Whether an owner was named."""

    @property
    def is_only_owner(self) -> bool:
        return self == Wanted(owner=True)


def read(fields: Fields) -> Wanted:
    """The attributes that come next."""
    flags = fields.uint32()
    size = fields.uint64() if flags & _SIZE else None
    if flags & _OWNER:
        fields.uint32(), fields.uint32()
    mode = fields.uint32() & 0o7777 if flags & _PERMISSIONS else None
    times = (float(fields.uint32()), float(fields.uint32())) if flags & _TIMES else None
    if flags & _EXTENDED:
        for _ in range(fields.uint32()):
            fields.view(), fields.view()
    return Wanted(size, mode, times, owner=bool(flags & _OWNER))


def encode(found: Attributes) -> bytes:
    return b"".join(
        (
            uint32(_SIZE | _PERMISSIONS | _TIMES),
            uint64(found.size),
            uint32(found.mode),
            uint32(_second(found.atime)),
            uint32(_second(found.mtime)),
        )
    )


def entry(name: bytes, found: Attributes) -> bytes:
    """One name of a list."""
    return string(name) + string(long_name(name, found).encode()) + encode(found)


def bare_name(name: bytes) -> bytes:
    """One name as the answer to a question for a path."""
    return string(name) + string(name) + uint32(0)


def long_name(name: bytes, found: Attributes) -> str:
    """A line as of `ls -l`, which clients show as it is: nothing in it is for a terminal to obey."""
    day = time.strftime("%b %d  %Y", time.gmtime(_second(found.mtime)))
    shown = safe_line(name.decode(errors="backslashreplace"))
    return f"{stat.filemode(found.mode)}    1 tovi     tovi     {found.size:12d} {day} {shown}"


def _second(at: float) -> int:
    return min(max(int(at), 0), _LAST_SECOND)


def need_no_owner(wanted: Wanted) -> None:
    """Owners that come along with other things are ignored, as copying programs expect; alone they are refused.

    Raises:
        OSError: EPERM.
    """
    if wanted.is_only_owner:
        raise PermissionError(errno.EPERM, "who owns a file cannot be changed here")
