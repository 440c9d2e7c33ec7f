"""Several logs as one, in the order in which their pieces came."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Final

from tovi_server.core.views import LogPiece
from tovi_tui.logs.lines import LONGEST_BYTES, LogLine, lines_of

MOST_BYTES: Final = 512 * 1024


class Together:
    """The last pieces of them all: what is too much is forgotten from the begin."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, LogPiece]] = deque()
        self.end = 0
        """How many bytes came in all: the place of the next one."""

    @property
    def start(self) -> int:
        """The place of the first byte that is kept."""
        return self._pieces[0][0] if self._pieces else self.end

    def add(self, piece: LogPiece) -> None:
        """One that has bytes."""
        self._pieces.append((self.end, piece))
        self.end += len(piece.data)
        while len(self._pieces) > 1 and self.end - self.start > MOST_BYTES:
            self._pieces.popleft()

    def lines(self) -> list[LogLine]:
        """The first may have lost its begin."""
        return _lines(self._pieces)


def _lines(pieces: Iterable[tuple[int, LogPiece]]) -> list[LogLine]:
    """A line that goes on in a later piece is one line still, at the place where it began."""
    lines: list[LogLine] = []
    unended: dict[str, int] = {}
    for start, piece in pieces:
        source = f"{piece.task} {piece.stream}"
        some = lines_of(piece.data, start, source=source, at=piece.at)
        begun = unended.pop(source, None)
        if begun is not None and some and len(lines[begun].data) + len(some[0].data) <= LONGEST_BYTES:
            first, some = some[0], some[1:]
            lines[begun] = LogLine(lines[begun].offset, lines[begun].data + first.data, source, lines[begun].at)
        lines += some
        if not piece.data.endswith(b"\n"):
            unended[source] = len(lines) - 1 if some or begun is None else begun
    return lines
