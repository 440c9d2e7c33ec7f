"""Where the lines of a log pane come from: the bytes of one log, or several logs together as they are written."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol

from tovi_tui.logs.lines import LogLine


class LogSource(Protocol):
    """Some lines of a log of any size. Places in it are bytes."""

    matches: list[int]
    """Where what was searched for begins, as far as it is known, in order."""
    searched: float
    """How much was searched, of 1."""

    @property
    def name(self) -> str:
        """Whose log, which stream, which attempt."""
        ...

    @property
    def size(self) -> int:
        """Bytes of all of it, as far as it is known."""
        ...

    @property
    def is_final(self) -> bool:
        """Nothing more will be written, as far as it is known."""
        ...

    @property
    def has_end(self) -> bool:
        """Whether the last line is among those that are loaded."""
        ...

    def words(self) -> Sequence[str]:
        """What `logs` is to be told for it."""
        ...

    def lines(self) -> Sequence[LogLine]:
        """Those that are loaded."""
        ...

    def holds(self, place: int) -> bool:
        """Whether this byte is loaded."""
        ...

    async def open_end(self) -> None:
        """Load the last lines instead."""
        ...

    async def open_at(self, place: int) -> None:
        """Load the lines around a byte instead."""
        ...

    async def older(self) -> bool:
        """Load more before; whether there was anything."""
        ...

    async def newer(self) -> bool:
        """Load more behind; whether there was anything."""
        ...

    async def latest(self) -> bool:
        """Load what was written since: where it is much, only the end of it. Whether there was anything."""
        ...

    async def measure(self) -> None:
        """Learn the size, and whether more may come; nothing is loaded."""
        ...

    def search(self, text: str, origin: int) -> AsyncGenerator[None]:
        """Find the places of a text, first those behind `origin`; each step finds more. Closing it ends the search."""
        ...
