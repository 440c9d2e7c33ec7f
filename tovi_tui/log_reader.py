"""Reads one task's log for a screen: a window onto it, wherever in it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.closing import closed_after
from tovi_server.core.ids import Reference
from tovi_server.core.views import LogPart
from tovi_tui.logs.window import Window

PIECE_BYTES: Final = 64 * 1024
_MOST_MATCHES: Final = 10_000


class LogReader:
    """One stream of one attempt, None: the newest."""

    def __init__(self, manager: ManagerAPI, task: Reference) -> None:
        self._manager = manager
        self.task = task
        self.stream = "out"
        self.attempt: int | None = None
        self.window = Window()
        self.matches: list[int] = []
        """Where what was searched for begins, as far as it is known."""
        self.searched: float = 1.0
        """How much of the log was searched, of 1."""

    async def open_end(self) -> None:
        """The last lines."""
        self._take(await self._part(-PIECE_BYTES))

    async def open_at(self, offset: int) -> None:
        """The lines around a byte."""
        self._take(await self._part(max(0, offset - PIECE_BYTES // 2)))

    async def older(self) -> bool:
        """What is before the window; whether there was anything."""
        start = max(0, self.window.start - PIECE_BYTES)
        length = self.window.start - start
        if not length:
            return False
        part = await self._part(start, length)
        if len(part.data) != length:
            return False
        self.window = self.window.with_older(part.data)
        return True

    async def newer(self) -> bool:
        """What is behind the window; whether there was anything. Far behind, the end is opened instead."""
        part = await self._part(self.window.end)
        if part.size_bytes - self.window.end > 4 * PIECE_BYTES and self.window.has_end:
            await self.open_end()
            return True
        self.window = self.window.with_newer(part.data, size=part.size_bytes, is_final=part.is_final)
        return bool(part.data)

    async def search(self, text: str) -> AsyncIterator[None]:
        """Find all places of a text; each step finds more of them. Closing it ends the search."""
        self.matches, self.searched = [], 0.0
        found = self._manager.search_log(self.task, stream=self.stream, attempt=self.attempt, text=text, start=0)
        async with closed_after(found):
            async for some in found:
                self.matches += some.offsets
                self.searched = some.searched_to / max(1, some.size_bytes)
                yield
                if len(self.matches) >= _MOST_MATCHES:
                    return

    async def _part(self, start: int, length: int = PIECE_BYTES) -> LogPart:
        return await self._manager.log_part(
            self.task, stream=self.stream, attempt=self.attempt, start=start, length=length
        )

    def _take(self, part: LogPart) -> None:
        self.window = Window(part.start, part.data, part.size_bytes, part.is_final)
