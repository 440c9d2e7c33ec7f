"""Where doors do what blocks: a few threads for all sessions of a receiver, so that no disk holds up the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

T = TypeVar("T")

COUNT: Final = 8
"""At most so many pieces of work at once. A session has one under way, of at most a few MiB, so all get their turn."""


class FileThreads:
    """One for a receiver."""

    def __init__(self, count: int = COUNT) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="files")

    async def run(self, work: Callable[[], T], *, undo: Callable[[T], None] | None = None) -> T:
        """Do `work` in a thread. A cancelled caller is let go only when its work has ended: nothing goes on unseen.

        `undo` then gets rid of what the work gave, e.g. an open file, which nobody would close.
        """
        loop = asyncio.get_running_loop()
        future = loop.run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            if await _succeeded(future) and undo is not None:
                await _succeeded(loop.run_in_executor(self._pool, undo, future.result()))
            raise

    def close(self) -> None:
        """Wait for what is under way; nothing can be run any more."""
        self._pool.shutdown()


async def _succeeded(future: asyncio.Future[T]) -> bool:
    """Wait for the end, however often the waiting is cancelled: the caller will say so after it."""
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
    return not future.cancelled() and future.exception() is None
