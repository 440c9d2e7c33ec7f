"""The logs of tasks together, out and err, in the order of time: their last lines, and what is written from now on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Final

from tovi_server.api import LogOptions, ManagerAPI
from tovi_server.core.closing import closed_after
from tovi_server.core.errors import ToviError
from tovi_server.core.ids import Reference
from tovi_tui.logs.lines import LogLine
from tovi_tui.logs.together import Together

TAIL_LINES: Final = 1000
"""Of each log, of what is there already."""
BOTH: Final = "both"


class LogStream:
    """A LogSource that keeps the end; `follow` must run for each of its references."""

    def __init__(self, manager: ManagerAPI, references: Sequence[Reference], *, stream: str) -> None:
        self._manager = manager
        self.references = tuple(references)
        self.stream = stream
        self.matches: list[int] = []
        self.searched: float = 1.0
        self.is_broken = False
        """One of them is followed no more, though it may go on."""
        self._together = Together()
        self._shown_to = 0
        self._ended = 0

    @property
    def name(self) -> str:
        of = " ".join(map(str, self.references))
        return of if self.stream == BOTH else f"{of} {self.stream}"

    @property
    def size(self) -> int:
        return self._together.end

    @property
    def is_final(self) -> bool:
        return self._ended == len(self.references)

    @property
    def has_end(self) -> bool:
        return True

    def words(self) -> Sequence[str]:
        stream = () if self.stream == BOTH else ("--stream", self.stream)
        return (str(self.references[0]), *stream)

    def lines(self) -> list[LogLine]:
        return self._together.lines()

    def holds(self, place: int) -> bool:
        return True

    async def open_end(self) -> None:
        """It is there."""

    async def open_at(self, place: int) -> None:
        """All that is kept is there."""

    async def older(self) -> bool:
        return False

    async def newer(self) -> bool:
        return await self.latest()

    async def latest(self) -> bool:
        before, self._shown_to = self._shown_to, self._together.end
        return before != self._shown_to

    async def measure(self) -> None:
        """It is known."""

    async def search(self, text: str, origin: int) -> AsyncGenerator[None]:
        """Among what is kept: lines."""
        wanted = text.lower()
        self.matches = [line.offset for line in self.lines() if wanted in line.text.lower()]
        self.searched = 1.0
        yield

    async def follow(self, reference: Reference) -> None:
        """Until nothing more can come of it. However fast it comes, only the end is kept, and read by who looks."""
        options = LogOptions(follow=True, stream=self.stream, tail=TAIL_LINES)
        pieces = self._manager.logs(reference, options)
        try:
            async with closed_after(pieces):
                async for piece in pieces:
                    self._together.add(piece)
        except ToviError:
            self.is_broken = True
            raise
        self._ended += 1
