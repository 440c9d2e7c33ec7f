"""One thread writes, and commits what many callers want in one transaction: durable, and fast all the same."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from typing import Generic, Protocol, TypeVar

from sqlalchemy import Connection, Engine

from tovi_server.core.errors import UnavailableError
from tovi_server.store.failure import StoreBrokenError, translate

T = TypeVar("T")

_MOST_PER_COMMIT = 256


class _Item(Protocol):
    """A piece of work and who waits for it."""

    def run(self, connection: Connection) -> None: ...

    def deliver(self) -> None: ...

    def fail(self, error: Exception) -> None: ...


class _Call(Generic[T]):
    def __init__(self, work: Callable[[Connection], T], loop: asyncio.AbstractEventLoop) -> None:
        self._work = work
        self._loop = loop
        self._results: list[T] = []
        self.future: asyncio.Future[T] = loop.create_future()

    def run(self, connection: Connection) -> None:
        self._results = [self._work(connection)]

    def deliver(self) -> None:
        self._tell(lambda: self.future.set_result(self._results[0]))

    def fail(self, error: Exception) -> None:
        self._tell(lambda: self.future.set_exception(error))

    def _tell(self, settle: Callable[[], None]) -> None:
        try:
            self._loop.call_soon_threadsafe(lambda: None if self.future.done() else settle())
        except RuntimeError:
            return  # the caller's loop is closed: nobody waits any more


class Writer:
    """Runs pieces of work one after the other; each is all or nothing, and durable once its caller hears of it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._queue: SimpleQueue[_Item | None] = SimpleQueue()
        self._closing = False
        self.broken: StoreBrokenError | None = None
        """Set once the disk failed; from then on every write is refused."""
        self._thread = threading.Thread(target=self._run, name="tovi-store-writer", daemon=True)
        self._thread.start()

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction and return its result after the commit.

        It may be run more than once, when another piece of work of the same transaction failed.

        Raises:
            UnavailableError: the database cannot be written now; StoreBrokenError when this process never will again.
        """
        if self._closing:
            raise UnavailableError("the server is stopping", hint="try again when it is back")
        call = _Call(work, asyncio.get_running_loop())
        self._queue.put(call)
        return await call.future

    def close(self) -> None:
        """Finish what was asked for, then end."""
        self._closing = True
        self._queue.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_ = True
        while open_:
            items, open_ = self._take()
            self._commit(items)

    def _take(self) -> tuple[list[_Item], bool]:
        """What is there to do, waiting for it; and whether there may be more."""
        items: list[_Item] = []
        item = self._queue.get()
        while item is not None:
            items.append(item)
            if len(items) == _MOST_PER_COMMIT:
                return items, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return items, True
        return items, False

    def _commit(self, items: Sequence[_Item]) -> None:
        """Commit all together; when one fails, what came before it, it alone, and what comes after it."""
        while items:
            failed = self._try(items)
            if failed is None:
                return
            self._commit(items[:failed])
            self._commit(items[failed : failed + 1])
            items = items[failed + 1 :]

    def _try(self, items: Sequence[_Item]) -> int | None:
        """Returns which of several failed, None when all have been told how it went."""
        at = 0
        try:
            if self.broken is not None:
                raise self.broken
            with self._engine.begin() as connection:
                for at, item in enumerate(items):  # noqa: B007  # `at` tells afterwards who failed
                    item.run(connection)
                at = len(items)
        except Exception as error:  # whoever asked for the write is told
            if at < len(items) and len(items) > 1 and self.broken is None:
                return at
            self._fail(items, translate(error))
            return None
        for item in items:
            item.deliver()
        return None

    def _fail(self, items: Sequence[_Item], error: Exception) -> None:
        if isinstance(error, StoreBrokenError):
            self.broken = error
        for item in items:
            item.fail(error)
