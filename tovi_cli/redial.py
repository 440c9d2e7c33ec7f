"""A connection that is dialled again when it was lost: one dial at a time, with pauses that grow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeVar

from tovi_server.api_connection import Asked, Connection, Streamed, lost
from tovi_server.core.errors import UnavailableError

T = TypeVar("T")

Dial = Callable[[], AbstractAsyncContextManager[Connection]]

FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0


class RedialedLine:
    """Calls as a Connection does. What was under way when it was lost fails; what comes later dials."""

    def __init__(self, dial: Dial) -> None:
        self._dial = dial
        self._stack = AsyncExitStack()
        self._connection: Connection | None = None
        self._dialling = asyncio.Lock()
        self._pause_s = FIRST_PAUSE_S
        self._not_before = 0.0
        self._refusal: UnavailableError = lost()

    async def ask(self, verb: Asked[T], /, **arguments: object) -> T:
        """As Connection.ask."""
        return await (await self._line()).ask(verb, **arguments)

    async def send(self, verb: Asked[T], source: AsyncIterable[bytes], /, **arguments: object) -> T:
        """As Connection.send."""
        return await (await self._line()).send(verb, source, **arguments)

    async def stream(self, verb: Streamed[T], /, **arguments: object) -> AsyncIterator[T]:
        """As Connection.stream."""
        async for item in (await self._line()).stream(verb, **arguments):
            yield item

    async def close(self) -> None:
        """Hang up."""
        self._connection = None
        await self._stack.aclose()

    async def _line(self) -> Connection:
        async with self._dialling:
            if self._connection is None or self._connection.is_lost:
                self._connection = await self._dialled()
            return self._connection

    async def _dialled(self) -> Connection:
        """Raises UnavailableError: nobody answers, or nobody did only just now."""
        now = asyncio.get_running_loop().time
        if now() < self._not_before:
            raise self._refusal.with_traceback(None)
        await self.close()
        try:
            connection = await self._stack.enter_async_context(self._dial())
        except UnavailableError as error:
            self._refusal = error
            self._not_before = now() + self._pause_s
            self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
            raise
        self._pause_s = FIRST_PAUSE_S
        return connection
