"""Where doors do what blocks: a few threads for all sessions of a receiver, so that no disk holds up the event loop.

The standard executor would do, but takes more turns of the loop for each piece of work, and the transfer of small
files is nothing but pieces of work.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final, Generic, TypeVar

T = TypeVar("T")

COUNT: Final = 8
"""At most so many pieces of work at once. A session has one under way, of at most a few MiB, so all get their turn."""


class FileThreads:
    """One for a receiver."""

    def __init__(self, count: int = COUNT) -> None:
        self._queue: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._threads = [Thread(target=self._serve, name=f"files-{number}", daemon=True) for number in range(count)]
        for thread in self._threads:
            thread.start()

    async def run(self, work: Callable[[], T], *, undo: Callable[[T], None] | None = None) -> T:
        """Do `work` in a thread. A cancelled caller is let go only when its work has ended: nothing goes on unseen.

        `undo` then gets rid of what the work gave, e.g. an open file, which nobody would close.
        """
        piece = _Piece(work)
        self._queue.put(piece.do)
        try:
            await piece.ended()
        except asyncio.CancelledError:
            if undo is not None and piece.error is None:
                await self._undo(undo, piece.result)
            raise
        if piece.error is not None:
            raise piece.error
        return piece.result

    def close(self) -> None:
        """Wait for what is under way; nothing can be run any more."""
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()

    async def _undo(self, undo: Callable[[T], None], result: T) -> None:
        piece = _Piece(lambda: undo(result))
        self._queue.put(piece.do)
        with contextlib.suppress(asyncio.CancelledError):
            await piece.ended()

    def _serve(self) -> None:
        while (do := self._queue.get()) is not None:
            do()


class _Piece(Generic[T]):
    """One piece of work and who waits for it. Once it has ended there is an `error`, or a `result`."""

    result: T

    def __init__(self, work: Callable[[], T]) -> None:
        self.error: BaseException | None = None
        self._work = work
        self._loop = asyncio.get_running_loop()
        self._waiter = self._loop.create_future()
        self._has_ended = False

    def do(self) -> None:
        """Called in a thread."""
        try:
            self.result = self._work()
        except BaseException as error:  # raised where it is waited for
            self.error = error
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(self._end)

    async def ended(self) -> None:
        """Wait for the end, however often that is cancelled; a cancellation is raised after it."""
        cancelled = None
        while not self._has_ended:
            try:
                await self._waiter
            except asyncio.CancelledError as error:
                cancelled = error
                self._waiter = self._loop.create_future()
        if cancelled is not None:
            raise cancelled

    def _end(self) -> None:
        self._has_ended = True
        if not self._waiter.done():
            self._waiter.set_result(None)
