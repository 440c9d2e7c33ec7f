"""Bytes of a log as lines, however long they are and whatever is in them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

LONGEST_BYTES: Final = 4096
"""A line that is longer goes on in the next one."""
_TAB: Final = 8


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line, and where in the log it begins."""

    offset: int
    data: bytes
    """Without its line break."""

    @property
    def text(self) -> str:
        """What a terminal would show at its end: of a progress bar the last state. What is no UTF-8 is U+FFFD."""
        text = self.data.decode(errors="replace").rstrip("\r")
        return text.rpartition("\r")[2].expandtabs(_TAB)


def lines_of(data: bytes, offset: int) -> list[LogLine]:
    """The lines of a piece that begins at `offset`; the last one may go on behind it. None of nothing."""
    lines, at = [], 0
    while at < len(data):
        end = data.find(b"\n", at)
        stop, after = (len(data), len(data)) if end < 0 else (end, end + 1)
        while stop - at > LONGEST_BYTES:
            lines.append(LogLine(offset + at, data[at : at + LONGEST_BYTES]))
            at += LONGEST_BYTES
        lines.append(LogLine(offset + at, data[at:stop]))
        at = after
    return lines
