"""A window onto many lines, of which only those in sight are made, and only those that look different drawn again.

Not a ScrollView of Textual: its size is part of the layout, so that each new row would arrange the whole screen anew.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from tovi_tui.text.span import Line, changed_columns
from tovi_tui.widgets.toned import TONE_CLASSES, strip_of

WHEEL_LINES: Final = 3
_THUMB, _TRACK = "▐", " "

PLAIN: Final = "row--plain"
"""The component class of a line that looks like the widget."""

_LineLook = tuple[Line, str, bool]


class RowLines(Widget, can_focus=True):
    """Subclasses say how many lines there are, what each says, and which part of the theme it is in.

    The last column is the scroll bar's. `top` is the first line in sight.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        *TONE_CLASSES,
        PLAIN,
        "row--cursor",
        "row--marked",
        "row--fresh",
        "row--thumb",
    }

    HEADER_LINES: ClassVar[int] = 0
    """Lines above that stay."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.top = 0
        self._drawn: dict[int, _LineLook] = {}
        self._next: dict[int, _LineLook] = {}
        """How lines will look that are about to be drawn again."""

    def line_count(self) -> int:
        """How many lines there are."""
        raise NotImplementedError

    def line_at(self, index: int) -> Line:
        """What line `index` says; a negative one is of the header, the last of which is -1."""
        raise NotImplementedError

    def line_after(self, by: int) -> Line:
        """What stands `by` lines below the last line; the first is 0."""
        return ()

    def part_at(self, index: int) -> str:
        """The component class of the line's whole width."""
        return PLAIN

    @property
    def page_lines(self) -> int:
        """How many lines fit."""
        return max(1, self.size.height - self.HEADER_LINES)

    @property
    def text_columns(self) -> int:
        """How wide a line may be."""
        return max(1, self.size.width - 1)

    def scroll_to_line(self, top: int) -> None:
        """Show lines from `top` on, as far as there are any."""
        self.top = max(0, min(top, self.line_count() - self.page_lines))
        self.draw()

    def draw(self) -> None:
        """Draw again what looks different from what is on the screen."""
        self._draw(range(self.size.height))

    def draw_lines(self, indices: Iterable[int]) -> None:
        """The same, of these lines alone."""
        shift = self.HEADER_LINES - self.top
        self._draw(index + shift for index in indices if self.HEADER_LINES <= index + shift < self.size.height)

    def _draw(self, rows: Iterable[int]) -> None:
        for y in rows:
            look = self._look(y)
            columns = self._changed(y, look)
            if columns:
                self._next[y] = look
                self.refresh(Region(columns.start, y, len(columns), 1))
            else:
                self._next.pop(y, None)

    def index_at(self, y: int) -> int | None:
        """Which line is at `y` of the widget; None: none, or the header."""
        index = self.top + y - self.HEADER_LINES
        return index if y >= self.HEADER_LINES and index < self.line_count() else None

    def render_line(self, y: int) -> Strip:
        self._drawn[y] = look = self._next.pop(y, None) or self._look(y)
        spans, part, thumb = look
        base = self.get_component_rich_style(part)
        text = strip_of(spans, self.text_columns, self.get_component_rich_style, base=base)
        bar = Segment(_THUMB if thumb else _TRACK, self._bar_style() if thumb else base)
        return Strip([*text, bar], self.text_columns + 1)

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._drawn.clear()

    def on_resize(self, _: events.Resize) -> None:
        self._drawn.clear()
        self.scroll_to_line(self.top)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        event.stop()
        self.scroll_to_line(self.top + WHEEL_LINES)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        event.stop()
        self.scroll_to_line(self.top - WHEEL_LINES)

    def _changed(self, y: int, look: _LineLook) -> range:
        """Where the line at `y` will look different from what is on the screen."""
        drawn = self._drawn.get(y)
        if drawn is None or drawn[1:] != look[1:]:
            return range(self.size.width)
        return changed_columns(drawn[0], look[0])

    def _look(self, y: int) -> _LineLook:
        """What makes the line at `y` look as it does."""
        if y < self.HEADER_LINES:
            return self.line_at(y - self.HEADER_LINES), PLAIN, False
        index = self.index_at(y)
        if index is None:
            return self.line_after(self.top + y - self.HEADER_LINES - self.line_count()), PLAIN, False
        return self.line_at(index), self.part_at(index), self._is_thumb(y)

    def _is_thumb(self, y: int) -> bool:
        count, page = self.line_count(), self.page_lines
        if count <= page:
            return False
        first = self.top * page // count
        return first <= y - self.HEADER_LINES <= first + page * page // count

    def _bar_style(self) -> Style:
        return self.get_component_rich_style("row--thumb")
