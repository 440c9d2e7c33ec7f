"""The lines of the old scp protocol, which nobody specified: it is what `scp -t` and `scp -f` of OpenSSH say.

The end that gives says `T` (times), `C` (a file: its bytes follow), `D` (into a folder) and `E` (out of it). The other
answers each, and the bytes of each file, with a zero byte or with a problem: byte 1 (this one failed) or 2 (all is
over), and a line of text.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tovi_server.core.safe import safe_line

LONGEST_LINE: Final = 16 * 1024
OK: Final = b"\0"
FOLDER_ENDS: Final = b"E\n"
_FAILED: Final = b"\1"
_OVER: Final = b"\2"

_TIMES: Final = re.compile(rb"T(\d{1,19}) (\d{1,6}) (\d{1,19}) (\d{1,6})", re.ASCII)
_THING: Final = re.compile(rb"([CD])([0-7]{4}) (\d{1,19}) (.+)", re.ASCII | re.DOTALL)
_LONGEST_SHOWN: Final = 200


class BadLineError(Exception):
    """A line that the protocol does not have."""


@dataclass(frozen=True, slots=True)
class Times:
    """Of what comes next; seconds since 1970."""

    mtime: float
    atime: float


@dataclass(frozen=True, slots=True)
class FileComes:
    mode: int
    size: int
    name: bytes


@dataclass(frozen=True, slots=True)
class FolderBegins:
    mode: int
    name: bytes


@dataclass(frozen=True, slots=True)
class FolderEnds:
    """Of the one that began last."""


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong at the other end."""

    is_over: bool


Line = Times | FileComes | FolderBegins | FolderEnds | Problem


def read(line: bytes) -> Line:
    """A line of the end that gives, without its newline.

    Raises:
        BadLineError: it is none, or its name is not that of something in one folder.
    """
    if line[:1] in (_FAILED, _OVER):
        return Problem(is_over=line[:1] == _OVER)
    if line == b"E":
        return FolderEnds()
    if found := _TIMES.fullmatch(line):
        mtime, micro, atime, atime_micro = map(int, found.groups())
        return Times(mtime + micro / 1e6, atime + atime_micro / 1e6)
    if found := _THING.fullmatch(line):
        mode, name = int(found[2], 8), _name(found[4])
        return FileComes(mode, int(found[3]), name) if found[1] == b"C" else FolderBegins(mode, name)
    raise BadLineError(f"not a line of scp: {_shown(line)}")


def times_line(mtime: float, atime: float) -> bytes:
    return b"T%d 0 %d 0\n" % (max(0, mtime), max(0, atime))


def file_line(mode: int, size: int, name: bytes) -> bytes:
    return b"C%04o %d %b\n" % (mode & 0o777, size, name)


def folder_line(mode: int, name: bytes) -> bytes:
    return b"D%04o 0 %b\n" % (mode & 0o777, name)


def problem(text: str, *, is_over: bool = False) -> bytes:
    """What clients show their users, as it is."""
    return (_OVER if is_over else _FAILED) + b"scp: " + safe_line(text).encode() + b"\n"


def _name(name: bytes) -> bytes:
    if b"/" in name or name in (b".", b".."):
        raise BadLineError(f"not the name of a file: {_shown(name)}")
    return name


def _shown(line: bytes) -> str:
    return line[:_LONGEST_SHOWN].decode(errors="backslashreplace")
