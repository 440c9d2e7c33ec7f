"""A window onto a log: some of its bytes, one after the other, as lines. It grows at both ends and stays small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tovi_tui.logs.lines import LogLine, lines_of

MOST_BYTES: Final = 512 * 1024


@dataclass(frozen=True, slots=True)
class Window:
    """Bytes `start` to `end` of a log of `size` bytes, so far as it is known."""

    start: int = 0
    data: bytes = b""
    size: int = 0
    is_final: bool = False

    @property
    def end(self) -> int:
        return self.start + len(self.data)

    @property
    def has_begin(self) -> bool:
        return self.start == 0

    @property
    def has_end(self) -> bool:
        return self.end >= self.size

    def lines(self) -> list[LogLine]:
        """A first line whose begin is before the window is left out, unless it is all there is."""
        lines = lines_of(self.data, self.start)
        return lines if self.has_begin or len(lines) < 2 else lines[1:]

    def with_newer(self, data: bytes, *, size: int, is_final: bool) -> Window:
        """More bytes behind; as many go before as are too many."""
        whole = self.data + data
        extra = max(0, len(whole) - MOST_BYTES)
        return Window(self.start + extra, whole[extra:], max(size, self.end + len(data)), is_final)

    def with_older(self, data: bytes) -> Window:
        """More bytes before; as many go behind as are too many."""
        whole = (data + self.data)[:MOST_BYTES]
        return Window(self.start - len(data), whole, self.size, self.is_final)
