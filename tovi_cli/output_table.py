"""Rows of cells as a table: left-aligned under a header, two spaces apart, no borders."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tovi_server.core import cells

GAP = "  "
NARROWEST = 4
"""No column is cut below this."""

BOLD = "1"


@dataclass(frozen=True, slots=True)
class Cell:
    """A safe line, and the SGR code to show it in where there is colour."""

    text: str
    colour: str = ""


def layout(header: Sequence[str], rows: Sequence[Sequence[Cell]], *, columns: int | None, colour: bool) -> list[str]:
    """The lines of a table, header first; cut to `columns` when that is known."""
    wanted = [len(title) for title in header]
    for row in rows:
        wanted = [max(known, cells.width(cell.text)) for known, cell in zip(wanted, row, strict=True)]
    widths = wanted if columns is None else fitted(wanted, columns)
    titles = [Cell(title, BOLD) for title in header]
    return [_line(row, widths, colour=colour, cutting=columns is not None) for row in (titles, *rows)]


def fitted(wanted: Sequence[int], columns: int) -> list[int]:
    """Widths that fit into `columns`: the widest columns give first; then columns at the right are left out."""
    room = columns - len(GAP) * (len(wanted) - 1)
    level = max(wanted, default=0)
    while level > NARROWEST and sum(min(width, level) for width in wanted) > room:
        level -= 1
    widths = [min(width, level) for width in wanted]
    while len(widths) > 1 and sum(widths) + len(GAP) * (len(widths) - 1) > columns:
        widths.pop()
    return widths


def _line(row: Sequence[Cell], widths: Sequence[int], *, colour: bool, cutting: bool) -> str:
    parts: list[str] = []
    for cell, width in zip(row, widths, strict=False):
        text = cells.cut(cell.text, width) if cutting else cell.text
        filler = " " * (width - cells.width(text))
        parts.append((_painted(text, cell.colour) if colour and cell.colour else text) + filler)
    return GAP.join(parts).rstrip(" ")


def _painted(text: str, colour: str) -> str:
    return f"\x1b[{colour}m{text}\x1b[0m"


def pairs(items: Iterable[tuple[str, str]]) -> list[str]:
    """Lines of names and values, the values under each other; pairs without a value are left out."""
    shown = [(name, value) for name, value in items if value]
    wide = max((len(name) for name, _ in shown), default=0)
    return [f"{name:<{wide}}  {value}" for name, value in shown]
