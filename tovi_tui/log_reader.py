"""Reads one task's log for a screen: a window onto it, wherever in it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.closing import closed_after
from tovi_server.core.ids import Reference
from tovi_server.core.views import LogMatches, LogPart
from tovi_tui.logs.lines import LogLine
from tovi_tui.logs.window import Window

PIECE_BYTES: Final = 64 * 1024
MOST_MATCHES: Final = 10_000


class LogReader:
    """A LogSource: one stream of one attempt, None: the newest."""

    def __init__(self, manager: ManagerAPI, task: Reference, *, stream: str = "out") -> None:
        self._manager = manager
        self.task = task
        self.stream = stream
        self.attempt: int | None = None
        self.window = Window()
        self.matches: list[int] = []
        self.searched: float = 1.0
        self._openings = 0

    @property
    def name(self) -> str:
        attempt = "" if self.attempt is None else f" attempt {self.attempt}"
        return f"{self.task} {self.stream}{attempt}"

    @property
    def size(self) -> int:
        return self.window.size

    @property
    def is_final(self) -> bool:
        return self.window.is_final

    @property
    def has_end(self) -> bool:
        return self.window.has_end

    def words(self) -> Sequence[str]:
        attempt = () if self.attempt is None else ("--attempt", str(self.attempt))
        return (str(self.task), "--stream", self.stream, *attempt)

    def lines(self) -> list[LogLine]:
        return self.window.lines()

    def holds(self, place: int) -> bool:
        return self.window.start <= place < self.window.end

    def turn_to(self, stream: str, attempt: int | None) -> None:
        """Another of its logs; nothing of it is loaded yet."""
        self.stream, self.attempt = stream, attempt
        self.window, self.matches, self.searched = Window(), [], 1.0

    async def open_end(self) -> None:
        await self._open(-PIECE_BYTES)

    async def open_at(self, place: int) -> None:
        await self._open(max(0, place - PIECE_BYTES // 2))

    async def older(self) -> bool:
        window = self.window
        start = max(0, window.start - PIECE_BYTES)
        part = await self._part(start, window.start - start)
        if self.window is not window or not part.data or part.start + len(part.data) != window.start:
            return False
        self.window = window.with_older(part.data)
        return True

    async def newer(self) -> bool:
        window = self.window
        return self._go_on(window, await self._part(window.end))

    async def latest(self) -> bool:
        window = self.window
        part = await self._part(window.end, 2 * PIECE_BYTES)
        behind = part.size_bytes - part.start - len(part.data)
        # A log that is shorter than it was is that of a new attempt.
        if self.window is window and (behind > 0 or part.size_bytes < window.end):
            await self.open_end()
            return True
        return self._go_on(window, part)

    async def measure(self) -> None:
        window = self.window
        part = await self._part(window.end, 0)
        if self.window is window:
            self.window = replace(window, size=max(part.size_bytes, window.end), is_final=part.is_final)

    async def search(self, text: str, origin: int) -> AsyncGenerator[None]:
        self.matches, self.searched = [], 0.0
        behind: list[int] = []
        async with closed_after(found := self._found(text, origin)):
            async for some in found:
                behind += some.offsets
                self.matches, self.searched = behind, (some.searched_to - origin) / max(1, some.size_bytes)
                yield
        before: list[int] = []
        async with closed_after(found := self._found(text, 0)):
            async for some in found:
                before += [offset for offset in some.offsets if offset < origin]
                self.matches = before + behind
                self.searched = 1 - max(0, origin - some.searched_to) / max(1, some.size_bytes)
                yield
                if self.searched == 1:
                    return

    async def first(self, text: str, stream: str) -> int | None:
        """Where the text is first in a stream; None: nowhere."""
        found = self._manager.search_log(self.task, stream=stream, attempt=self.attempt, text=text, start=0)
        async with closed_after(found):
            async for some in found:
                if some.offsets:
                    return some.offsets[0]
        return None

    async def _found(self, text: str, start: int) -> AsyncIterator[LogMatches]:
        """Until there are enough."""
        found = self._manager.search_log(self.task, stream=self.stream, attempt=self.attempt, text=text, start=start)
        count = 0
        async with closed_after(found):
            async for some in found:
                yield some
                count += len(some.offsets)
                if count >= MOST_MATCHES:
                    return

    async def _open(self, start: int) -> None:
        """Of several that are under way, only the last one counts."""
        self._openings += 1
        opening, log = self._openings, (self.stream, self.attempt)
        part = await self._part(start)
        if opening == self._openings and log == (self.stream, self.attempt):
            self.window = Window(part.start, part.data, part.size_bytes, part.is_final)

    def _go_on(self, window: Window, part: LogPart) -> bool:
        """Unless it was moved meanwhile: then what was asked for does not fit any more."""
        if self.window is not window or part.start != window.end:
            return False
        self.window = window.with_newer(part.data, size=part.size_bytes, is_final=part.is_final)
        return bool(part.data)

    async def _part(self, start: int, length: int = PIECE_BYTES) -> LogPart:
        return await self._manager.log_part(
            self.task, stream=self.stream, attempt=self.attempt, start=start, length=length
        )
