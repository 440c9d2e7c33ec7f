"""A text to read, wrapped to the width there is."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events

from tovi_tui.text.span import Line
from tovi_tui.text.wrap import wrapped
from tovi_tui.widgets.row_lines import RowLines


class TextLines(RowLines):
    """Lines of spans; what is longer than the widget goes on in the next line."""

    def __init__(self, lines: Sequence[Line], *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._lines = tuple(lines)
        self._wrapped: tuple[Line, ...] = self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show these instead, from the top."""
        self.top = 0
        self.renew(lines)

    def renew(self, lines: Sequence[Line]) -> None:
        """Show these instead, from the line on that is the first in sight."""
        self._lines = tuple(lines)
        self._wrap()
        self.scroll_to_line(self.top)

    def line_count(self) -> int:
        return len(self._wrapped)

    def line_at(self, index: int) -> Line:
        return self._wrapped[index]

    def on_resize(self, event: events.Resize) -> None:
        self._wrap()

    def _wrap(self) -> None:
        self._wrapped = tuple(part for one in self._lines for part in wrapped(one, self.text_columns))
