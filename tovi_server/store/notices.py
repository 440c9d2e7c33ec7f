"""Wake-ups between all processes that share a PostgreSQL, on whatever machine. Only a hint; it may be lost."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import psycopg
from sqlalchemy import Connection, make_url, text

from scheduler.outage import Outage
from tovi_server.core.errors import UnavailableError
from tovi_server.store import postgres
from tovi_server.store.engine import Database

_LISTEN: Final = "LISTEN tovi"
_NOTIFY: Final = text("SELECT pg_notify('tovi', :sender)")
_BETWEEN_S: Final = 0.02
"""More rings than that are one."""
_RETRY_S: Final = 1.0


class Notices:
    """Heard by every other process that listens on the same database. Has one connection, and rings by the writer's."""

    def __init__(self, database: Database, url: str) -> None:
        self._database = database
        self._place = postgres.connection_text(make_url(url))
        self._name = secrets.token_hex(8)
        self._rung = asyncio.Event()
        self._outage = Outage("the database's notices")

    def ring(self) -> None:
        """Never waits; the others are told while this process listens."""
        self._rung.set()

    async def listen(self, heard: Callable[[], None]) -> None:
        """Call `heard` after rings, and when some may have been missed, until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tell_for_ever())
            group.create_task(self._hear_for_ever(heard))

    def close(self) -> None:
        """There is nothing left of who listens no more."""

    async def _tell_for_ever(self) -> None:
        while True:
            await self._rung.wait()
            self._rung.clear()
            with suppress(UnavailableError):
                await self._database.write(self._tell)
            await asyncio.sleep(_BETWEEN_S)

    def _tell(self, connection: Connection) -> None:
        connection.execute(_NOTIFY, {"sender": self._name})

    async def _hear_for_ever(self, heard: Callable[[], None]) -> None:
        while True:
            try:
                await self._hear(heard)
            except psycopg.Error as error:
                self._outage.failed(UnavailableError("no notices come", why=str(error).partition("\n")[0]))
            await asyncio.sleep(_RETRY_S)

    async def _hear(self, heard: Callable[[], None]) -> None:
        """As long as the connection lives."""
        async with await psycopg.AsyncConnection.connect(self._place, autocommit=True) as connection:
            await connection.execute(_LISTEN)
            self._outage.worked()
            heard()
            async for notice in connection.notifies():
                if notice.payload != self._name:
                    heard()
