"""Tables of separated values, with their columns lined up."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Final

from tovi_server.core import cells
from tovi_server.core.safe import safe_line
from tovi_tui.text.span import Line, Span, Tone

_MOST_ROWS: Final = 500
_MOST_COLUMNS: Final = 50
_WIDEST: Final = 24


def table_lines(data: bytes, separator: str) -> Iterator[Line]:
    """The header first."""
    rows = _rows(data.decode(errors="replace").replace("\x00", ""), separator)
    widths = _widths(rows)
    for at, row in enumerate(rows):
        yield tuple(_cell(cell, room, is_header=at == 0) for cell, room in zip(row, widths, strict=False))


def _rows(text: str, separator: str) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        for row in csv.reader(text.splitlines(), delimiter=separator):
            rows.append([safe_line(cell) for cell in row[:_MOST_COLUMNS]])
            if len(rows) == _MOST_ROWS:
                break
    except csv.Error as error:
        raise ValueError(str(error)) from error
    return rows


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    count = max((len(row) for row in rows), default=0)
    return [min(_WIDEST, max(cells.width(row[at]) for row in rows if at < len(row))) for at in range(count)]


def _cell(text: str, room: int, *, is_header: bool) -> Span:
    shown = cells.cut(text, room)
    return Span(shown + " " * (room - cells.width(shown) + 2), Tone.BOLD if is_header else Tone.PLAIN)
