"""Zip archives, from the directory at their end (APPNOTE.TXT 4.3.12 and 4.3.16)."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

MAGICS: Final = (b"PK\x03\x04", b"PK\x05\x06")
"""How one begins; the second is one without files."""
TAIL_BYTES: Final = 22 + 65_535
"""The directory's place is told in so many bytes at the end: there may be a comment behind it."""
MOST_BYTES: Final = 256 * 1024
"""So much of a directory is looked at."""

_END: Final = b"PK\x05\x06"
_ENTRY: Final = b"PK\x01\x02"
_LARGE: Final = 0xFFFF_FFFF


def directory_part(tail: bytes, size_bytes: int) -> tuple[int, int]:
    """Where the directory of a zip of that size, which ends with `tail`, begins, and how long it is.

    Raises:
        ValueError: it has none.
    """
    at = tail.rfind(_END)
    if at < 0 or at + 22 > len(tail):
        raise ValueError("a zip without a directory")
    (length,) = struct.unpack_from("<I", tail, at + 12)
    start = size_bytes - len(tail) + at - length
    if length == _LARGE or start < 0:
        raise ValueError("a zip whose directory is not told")
    return start, length


def files(directory: bytes) -> Iterator[tuple[str, int]]:
    """Names and sizes."""
    at = 0
    while directory[at : at + 4] == _ENTRY and at + 46 <= len(directory):
        size, name_length, more, comment = struct.unpack_from("<24xIHHH", directory, at)
        name = directory[at + 46 : at + 46 + name_length]
        if len(name) == name_length and not name.endswith(b"/"):
            yield name.decode(errors="replace"), size
        at += 46 + name_length + more + comment
