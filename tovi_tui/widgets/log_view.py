"""Lines of a log in a window that can be scrolled beyond what is loaded: then more is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from tovi_tui.logs.ink import PLAIN, inked
from tovi_tui.logs.lines import LogLine
from tovi_tui.logs.marking import marked
from tovi_tui.logs.window import line_at
from tovi_tui.text.span import Line
from tovi_tui.text.wrap import wrapped
from tovi_tui.widgets.row_lines import RowLines


class LogView(RowLines):
    """Shows log lines. While it is at the end, it stays there."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
    ]

    @dataclass
    class Scrolled(Message):
        """It was moved by the person; `at_top` and `at_bottom` say whether all that is loaded in that way is seen."""

        view: LogView
        at_top: bool
        at_bottom: bool

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.is_wrapped = False
        self.wanted = ""
        """Marked where it is seen."""
        self._lines: Sequence[LogLine] = ()
        self._rows: list[tuple[int, Line]] = []

    @property
    def is_at_end(self) -> bool:
        return self.top + self.page_lines >= len(self._rows)

    @property
    def first_offset(self) -> int:
        """Of the first line in sight."""
        return self._rows[min(self.top, len(self._rows) - 1)][0] if self._rows else 0

    def show(self, lines: Sequence[LogLine], *, at_end: bool) -> None:
        """Show these lines: their end, or the line that was first in sight before."""
        offset = self.first_offset
        self._lines = lines
        self._arrange()
        if at_end:
            self.scroll_to_line(len(self._rows))
        else:
            self.go_to(offset)

    def go_to(self, offset: int, *, above: int = 0) -> None:
        """Put the line with that byte first, or so many lines below."""
        rows = [LogLine(at, b"") for at, _ in self._rows]
        self.scroll_to_line(line_at(rows, offset) - above)

    def wrap(self, is_wrapped: bool) -> None:
        """Break long lines, or cut them."""
        self.is_wrapped = is_wrapped
        self.show(self._lines, at_end=self.is_at_end)

    def mark(self, wanted: str) -> None:
        self.wanted = wanted
        self.draw()

    def line_count(self) -> int:
        return len(self._rows)

    def line_at(self, index: int) -> Line:
        return marked(self._rows[index][1], self.wanted)

    def action_move(self, by: int) -> None:
        self._scroll(self.top + by)

    def action_page(self, by: int) -> None:
        self._scroll(self.top + by * self.page_lines)

    def on_mouse_scroll_up(self, event: object) -> None:
        self._told()

    def on_mouse_scroll_down(self, event: object) -> None:
        self._told()

    def on_resize(self, _: object) -> None:
        self._arrange()

    def _scroll(self, top: int) -> None:
        self.scroll_to_line(top)
        self._told()

    def _told(self) -> None:
        self.post_message(self.Scrolled(self, at_top=self.top == 0, at_bottom=self.is_at_end))

    def _arrange(self) -> None:
        """Colours go on from line to line, as on a terminal."""
        ink, self._rows = PLAIN, []
        for one in self._lines:
            spans, ink = inked(one.text, ink)
            pieces = wrapped(spans, self.text_columns) if self.is_wrapped else (spans,)
            self._rows += [(one.offset, piece) for piece in pieces]
