"""A call that is asked for often, and made now and then: at once after a quiet time, else once for several."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

_BETWEEN_S: Final = 0.02
"""Who is rung for all the time looks no more often than this."""


class Pending:
    """Knows when it was made last."""

    def __init__(self, call: Callable[[], None], loop: asyncio.AbstractEventLoop) -> None:
        self._call = call
        self._loop = loop
        self._not_before = 0.0
        self._handle: asyncio.TimerHandle | None = None

    def ask(self) -> None:
        """Have it called, after this at any rate."""
        if self._handle is None:
            self._handle = self._loop.call_at(self._not_before, self._make)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()

    def _make(self) -> None:
        self._handle = None
        self._not_before = self._loop.time() + _BETWEEN_S
        self._call()
