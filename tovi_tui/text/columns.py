"""Columns of a table: what each shows of a row, and how they share the width of a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from tovi_server.core.look import Look
from tovi_tui.text.span import Line, Span, Tone, cut, width

T = TypeVar("T")

GAP = 2
"""Between two columns."""


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of rows of type T.

    `width` is what it needs at least; what is left over is shared by those that `grow`. Where not all have room, those
    with the highest `drop` go first; 0 stays.
    """

    key: str
    """How people name it: `sort name`."""
    title: str
    cell: Callable[[T, Look], Line]
    width: int
    grow: int = 0
    drop: int = 0
    right: bool = False
    """Numbers line up at the right."""


Fitted = tuple[tuple[Column[T], int], ...]
"""The columns that have room, each with its width."""


def fitted(columns: Sequence[Column[T]], room: int) -> Fitted[T]:
    """Share `room` columns of the terminal."""
    kept = list(columns)
    while len(kept) > 1 and needed(kept) > room and max(column.drop for column in kept) > 0:
        kept.remove(max(reversed(kept), key=lambda column: column.drop))
    left = max(0, room - needed(kept))
    shares = sum(column.grow for column in kept)
    return tuple((column, column.width + (left * column.grow // shares if column.grow else 0)) for column in kept)


def needed(columns: Sequence[Column[T]]) -> int:
    """The least width of all of them beside each other."""
    return sum(column.width for column in columns) + GAP * (len(columns) - 1)


def header(columns: Fitted[T]) -> Line:
    """The titles."""
    return _joined([_placed((Span(column.title, Tone.DIM),), room, right=column.right) for column, room in columns])


def row_line(columns: Fitted[T], row: T, look: Look) -> Line:
    """One row, each cell cut to its column."""
    return _joined([_placed(column.cell(row, look), room, right=column.right) for column, room in columns])


def _placed(cell: Line, room: int, *, right: bool) -> Line:
    shown = cut(cell, room)
    gap = Span(" " * (room - width(shown)))
    return (gap, *shown) if right else (*shown, gap)


def _joined(cells: Sequence[Line]) -> Line:
    gap = Span(" " * GAP)
    return tuple(span for at, cell in enumerate(cells) for span in ((gap, *cell) if at else cell))
