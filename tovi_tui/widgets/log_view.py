"""Lines of a log in a window that can be scrolled beyond what is loaded: then more is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tovi_tui.logs.lines import LogLine
from tovi_tui.logs.marking import marked
from tovi_tui.logs.rows import Lead, Rows, no_lead
from tovi_tui.text.span import Line, Tone
from tovi_tui.widgets.row_lines import WHEEL_LINES, RowLines


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
        self._lead: Lead = no_lead
        self._lines: Sequence[LogLine] = ()
        self._rows = Rows()
        self._stays_at_end = True

    @property
    def is_at_end(self) -> bool:
        return self.top + self.page_lines >= len(self._rows)

    @property
    def first_offset(self) -> int:
        """Of the first line in sight."""
        return self._rows.offset_at(self.top)

    def show(self, lines: Sequence[LogLine], *, at_end: bool) -> None:
        """Show these lines: their end, or the row that was first in sight before."""
        offset = self.first_offset
        inside = self.top - self._rows.rows_with(offset).start
        self._lines = lines
        self._rows.set(lines, columns=self.text_columns if self.is_wrapped else None, lead=self._lead)
        rows = self._rows.rows_with(offset)
        self.scroll_to_line(len(self._rows) if at_end else rows.start + max(0, min(inside, len(rows) - 1)))

    def go_to(self, offset: int, *, above: int = 0) -> None:
        """Put the row with that byte so many rows below the first one: of a long line, that with what is marked."""
        rows = self._rows.rows_with(offset)
        self.scroll_to_line(next(filter(self._has_match, rows), rows.start) - above)

    def wrap(self, is_wrapped: bool) -> None:
        """Break long lines, or cut them."""
        self.is_wrapped = is_wrapped
        self._again()

    def lead(self, lead: Lead) -> None:
        """Say something before each line."""
        self._lead = lead
        self._again()

    def mark(self, wanted: str) -> None:
        self.wanted = wanted
        self.draw()

    def line_count(self) -> int:
        return len(self._rows)

    def line_at(self, index: int) -> Line:
        return marked(self._rows[index], self.wanted)

    def scroll_to_line(self, top: int) -> None:
        super().scroll_to_line(top)
        self._stays_at_end = self.is_at_end

    def action_move(self, by: int) -> None:
        self._scroll(self.top + by)

    def action_page(self, by: int) -> None:
        self._scroll(self.top + by * self.page_lines)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.prevent_default()
        event.stop()
        self._scroll(self.top - WHEEL_LINES)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.prevent_default()
        event.stop()
        self._scroll(self.top + WHEEL_LINES)

    def on_resize(self, _: events.Resize) -> None:
        self._again()

    def _again(self) -> None:
        self.show(self._lines, at_end=self._stays_at_end)

    def _scroll(self, top: int) -> None:
        self.scroll_to_line(top)
        self.post_message(self.Scrolled(self, at_top=self.top == 0, at_bottom=self.is_at_end))

    def _has_match(self, index: int) -> bool:
        return any(span.tone is Tone.MATCH for span in self.line_at(index))
