"""Logs beside each other, or one of several together in their place."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Container

from tovi_tui.widgets.log_pane import LogPane
from tovi_tui.widgets.log_view import LogView

_LEAST_COLUMNS = 50
"""Narrower ones lie below each other."""


class LogPanes(Container):
    """One of them is in front: it has the keys."""

    def __init__(self, panes: Sequence[LogPane]) -> None:
        super().__init__()
        self.apart = tuple(panes)
        self.together: LogPane | None = None
        self.is_timed = False
        """Whether those together say when each line was written."""
        self._front = panes[0]

    def compose(self) -> ComposeResult:
        yield from self.apart

    @property
    def in_sight(self) -> Sequence[LogPane]:
        return self.apart if self.together is None else (self.together,)

    @property
    def front(self) -> LogPane:
        return self.together or self._front

    def pane_of(self, view: LogView) -> LogPane:
        return next(pane for pane in (*self.apart, self.front) if pane.view is view)

    def turn_to(self, pane: LogPane) -> None:
        """Give it the keys."""
        self._front = pane
        for one in self.apart:
            one.set_class(len(self.apart) > 1 and one is pane, "front")
            one.show_title()
        pane.view.focus()

    def next(self, by: int) -> None:
        if self.together is None:
            self.turn_to(self.apart[(self.apart.index(self._front) + by) % len(self.apart)])

    async def show_together(self, pane: LogPane) -> None:
        """Instead of those apart, which stay as they are."""
        await self.show_apart()
        self.together = pane
        for one in self.apart:
            one.display = False
        await self.mount(pane)
        pane.view.focus()

    async def show_apart(self) -> None:
        if self.together is not None:
            pane, self.together = self.together, None
            for one in self.apart:
                one.display = True
            self._front.view.focus()
            await pane.remove()

    def on_mount(self) -> None:
        self.turn_to(self._front)

    def on_resize(self) -> None:
        self.set_class(self.size.width < _LEAST_COLUMNS * len(self.apart), "narrow")
