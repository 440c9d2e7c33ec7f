"""The cluster at a glance, above a list."""

from __future__ import annotations

from typing import Final

from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text.glance import glance, told_time
from tovi_tui.text.span import Span
from tovi_tui.widgets.words import Words

EVERY_S: Final = 5.0
"""Not for each piece of news: the cluster is large, and its lists are long."""


class GlanceLine:
    """Asked for again and again, while somebody can see it."""

    def __init__(self, screen: ToviScreen) -> None:
        self._screen = screen
        self.words = Words((), id="glance")

    def begin(self) -> None:
        """Once the screen is there."""
        self._screen.set_interval(EVERY_S, self.ask)

    def ask(self) -> None:
        """Now, if it is seen."""
        if self._screen.is_seen:
            self._screen.work(self._load, busy="", group="glance")

    async def _load(self) -> None:
        nodes, queues = await self._screen.manager.nodes(), await self._screen.manager.queues()
        self.words.show([(Span(" "), *glance(nodes, queues), *told_time(self._screen.look()))])
