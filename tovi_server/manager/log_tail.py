"""Where the last lines of a log begin, found from its end without reading the rest. Blocking."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

from tovi_server.core.views import LogPiece

_BLOCK: Final = 64 * 1024

ReadAt = Callable[[int, int], bytes]
"""Bytes from an offset on, at most so many."""


def last_lines(read: ReadAt, *, lines: int, floor: int, end: int) -> tuple[int, int]:
    """The offset, not below `floor`, at which the last `lines` lines before `end` begin; and how many they are."""
    found, position = 0, end
    while position > floor and lines > 0:
        start = max(floor, position - _BLOCK)
        block = read(start, position - start)
        for at in _line_starts(block, start, end):
            found += 1
            if found == lines:
                return at, found
        position = start
    return (end, 0) if lines == 0 else (floor, found + (end > floor))


def _line_starts(block: bytes, start: int, end: int) -> Iterator[int]:
    """Where lines begin in a block, last first; the very start of the log is not told."""
    at = len(block)
    while (at := block.rfind(b"\n", 0, at)) >= 0:
        if start + at + 1 < end:
            yield start + at + 1


def without_first(pieces: Iterable[LogPiece], lines: int) -> Iterator[LogPiece]:
    """The pieces less their first `lines` lines."""
    for piece in pieces:
        data = piece.data
        while lines and data:
            _, newline, data = data.partition(b"\n")
            lines -= len(newline)
        if data:
            yield replace(piece, data=data)
