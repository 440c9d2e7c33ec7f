"""Bytes of a log as lines, however long they are and whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

LONGEST_BYTES: Final = 4096
"""A line that is longer goes on in the next one."""


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, and where in the log it begins."""

    offset: int
    data: bytes
    """Without its line break."""
    source: str = ""
    """Which of several logs it is from; colours go on from line to line of the same one."""
    at: datetime | None = None
    """About when it was written; None when unknown."""

    @property
    def text(self) -> str:
        """What a terminal would show at its end: of a progress bar the last state. What is no UTF-8 is U+FFFD."""
        return self.data.decode(errors="replace").rstrip("\r").rpartition("\r")[2]


def lines_of(data: bytes, offset: int, *, source: str = "", at: datetime | None = None) -> list[LogLine]:
    """The lines of a piece that begins at `offset`; the last one may go on behind it. None of nothing."""
    lines, start = [], 0
    while start < len(data):
        end = data.find(b"\n", start)
        stop, after = (len(data), len(data)) if end < 0 else (end, end + 1)
        while stop - start > LONGEST_BYTES:
            cut = _between_letters(data, start + LONGEST_BYTES)
            lines.append(LogLine(offset + start, data[start:cut], source, at))
            start = cut
        lines.append(LogLine(offset + start, data[start:stop], source, at))
        start = after
    return lines


def _between_letters(data: bytes, at: int) -> int:
    """`at`, or a little before it where it is within a letter of UTF-8."""
    for cut in range(at, at - 4, -1):
        if data[cut] & 0xC0 != 0x80:
            return cut
    return at
