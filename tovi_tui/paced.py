"""Drawing that waits for the person's line, and keys that wait for each other."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from textual import events
from textual.screen import Screen
from textual.worker import Worker

from tovi_tui.contained import ContainedApp
from tovi_tui.loop_driver import LoopDriver
from tovi_tui.tight import tight

_STEPS: Final = 40
"""Of the event loop: enough for a key to reach its widget, come back as an action and open what it opens."""


class PacedApp(ContainedApp):
    """While the client is behind nothing is drawn; afterwards the newest picture is, whole.

    A key that is typed ahead goes to what the key before it opened: `/abc` in one piece ends up in the filter.
    """

    def __init__(self) -> None:
        super().__init__(driver_class=LoopDriver)
        self._is_behind = False
        self._keys: deque[events.Key] = deque()
        self._has_turn = False

    def hold_drawing(self, is_behind: bool) -> None:
        """The client cannot keep up, or can again."""
        caught_up, self._is_behind = self._is_behind and not is_behind, is_behind
        if caught_up:
            self.screen.refresh()

    def _display(self, screen: Screen[object], renderable: object) -> None:
        """Private in Textual: where each picture goes out."""
        if not self._is_behind:
            super()._display(screen, tight(renderable))  # type: ignore[arg-type]  # whatever Textual draws

    async def on_event(self, event: events.Event) -> None:
        if not isinstance(event, events.Key) or event.is_forwarded:
            await super().on_event(event)
            return
        self._keys.append(event)
        if not self._has_turn:
            self._has_turn = True
            _: Worker[None] = self.run_worker(self._take_turns, group="keys")

    async def _take_turns(self) -> None:
        try:
            while self._keys:
                await super().on_event(self._keys.popleft())
                if self._keys:
                    await self._settled()
        finally:
            self._has_turn = False

    async def _settled(self) -> None:
        """What the last key did is done, as far as it needed nobody else."""
        for _ in range(_STEPS):
            await asyncio.sleep(0)
        while not self.screen.is_running:  # noqa: ASYNC110  # Textual has no event for it
            await asyncio.sleep(0)
