"""Lines of a log as rows of a window: coloured, and broken where they are longer than it is wide."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tovi_tui.logs.ink import PLAIN, inked
from tovi_tui.logs.lines import LogLine
from tovi_tui.text.span import Ink, Line, width
from tovi_tui.text.wrap import wrapped

Lead = Callable[[LogLine], Line]
"""What stands before a line: when it was written, and by whom."""


def no_lead(_: LogLine) -> Line:
    """Nothing stands before it."""
    return ()


@dataclass(frozen=True, slots=True)
class _Made:
    line: LogLine
    before: Ink
    after: Ink
    rows: tuple[Line, ...]


class Rows:
    """The rows of some lines. When others are set, those that stay are not made again."""

    def __init__(self) -> None:
        self._made: dict[int, _Made] = {}
        self._form: tuple[int | None, Lead] = (None, no_lead)
        self._rows: list[Line] = []
        self._offsets: list[int] = []
        """Of each row, where its line begins."""

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Line:
        return self._rows[index]

    def set(self, lines: Sequence[LogLine], *, columns: int | None, lead: Lead = no_lead) -> None:
        """Show these, broken at `columns`; None: in one row each."""
        before = self._made if self._form == (columns, lead) else {}
        self._form, self._made, self._rows, self._offsets = (columns, lead), {}, [], []
        inks: dict[str, Ink] = {}
        for line in lines:
            ink = inks.get(line.source, PLAIN)
            made = before.get(line.offset)
            if made is None or made.line != line or made.before != ink:
                made = _make(line, ink, columns, lead)
            self._made[line.offset] = made
            inks[line.source] = made.after
            self._rows += made.rows
            self._offsets += [line.offset] * len(made.rows)

    def offset_at(self, index: int) -> int:
        """Where the line of a row begins; 0 when there is none."""
        return self._offsets[max(0, min(index, len(self._offsets) - 1))] if self._offsets else 0

    def rows_with(self, offset: int) -> range:
        """The rows of the line that has this byte; of the first line, when it is before all."""
        start = self.offset_at(bisect_right(self._offsets, offset) - 1)
        return range(bisect_left(self._offsets, start), bisect_right(self._offsets, start))


def _make(line: LogLine, before: Ink, columns: int | None, lead: Lead) -> _Made:
    spans, after = inked(line.text, before)
    spans = (*lead(line), *spans)
    if columns is None or width(spans) <= columns:
        return _Made(line, before, after, (spans,))
    return _Made(line, before, after, tuple(wrapped(spans, columns)))
