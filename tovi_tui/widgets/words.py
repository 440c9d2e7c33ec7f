"""A few lines of words that do not scroll: headers, notes, hints, errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.geometry import Size
from textual.strip import Strip
from textual.widget import Widget

from tovi_tui.text.span import Line
from tovi_tui.widgets.toned import TONE_CLASSES, strip_of


class Words(Widget):
    """Shows lines, each cut at the edge; with none it takes no room."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {*TONE_CLASSES}

    def __init__(self, *lines: Line, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._lines: tuple[Line, ...] = lines

    @property
    def lines(self) -> tuple[Line, ...]:
        return self._lines

    def show(self, lines: Sequence[Line]) -> None:
        """Show these instead; the screen is arranged anew only where their number changed."""
        if tuple(lines) != self._lines:
            arrange = len(lines) != len(self._lines)
            self._lines = tuple(lines)
            self.refresh(layout=arrange)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self._lines)

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        if y >= len(self._lines):
            return Strip.blank(self.size.width, base)
        return strip_of(self._lines[y], self.size.width, self.get_component_rich_style, base=base)
