"""The database of a server: opened once a process, written by one thread, read by a few."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final, Self, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from tovi_server.core.errors import UsageError
from tovi_server.store import postgres, schema, sqlite
from tovi_server.store.failure import StoreBrokenError, translate
from tovi_server.store.writer import Writer

T = TypeVar("T")

_READERS: Final = 4


class Database:
    """Where transactions are run. Work is a function of a connection: it has no side effects but on that."""

    def __init__(self, writing: Engine, reading: Engine) -> None:
        self._writing = writing
        self._reading = reading
        self._writer = Writer(writing)
        self._threads = ThreadPoolExecutor(_READERS, thread_name_prefix="tovi-store-reader")

    @classmethod
    def open(cls, url: str, *, base: Path) -> Self:
        """Open and migrate. A relative file of `sqlite:///…` is in `base`; `postgresql://…` is the other kind.

        Raises:
            UsageError: the URL is of another form.
            UnavailableError: it cannot be reached, is newer than this program, or is not in a safe place.
        """
        parsed = _parse(url)
        try:
            if parsed.get_backend_name() == "sqlite":
                return cls._open_sqlite(base / (parsed.database or "tovi.db"))
            return cls._open_postgres(parsed)
        except SQLAlchemyError as error:
            raise translate(error) from error

    @classmethod
    def _open_sqlite(cls, path: Path) -> Self:
        sqlite.create_file(path)
        # Rebuilding a table that others refer to deletes their rows while foreign keys are on.
        migrating = sqlite.writer_engine(path, foreign_keys=False)
        _migrate(migrating)
        return cls(sqlite.writer_engine(path), sqlite.reader_engine(path, connections=_READERS))

    @classmethod
    def _open_postgres(cls, url: URL) -> Self:
        _migrate(postgres.writer_engine(url))
        return cls(postgres.writer_engine(url), postgres.reader_engine(url, connections=_READERS))

    async def write(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in a transaction; its result comes after the commit, and is durable. See `Writer.write`."""
        return await self._writer.write(work)

    @property
    def broken(self) -> StoreBrokenError | None:
        """Why this process may never write again, and should end; None while all is well."""
        return self._writer.broken

    async def read(self, work: Callable[[Connection], T]) -> T:
        """Run `work` on one moment of the database, in a thread.

        Raises:
            UnavailableError: the database cannot be read now.
        """
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._read, work)

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._reading.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise translate(error) from error

    async def close(self) -> None:
        """Finish what was asked for, then let go. Nothing may be asked for afterwards."""
        await asyncio.to_thread(self._writer.close)
        await asyncio.to_thread(self._threads.shutdown)
        self._writing.dispose()
        self._reading.dispose()


def found_schema(url: str, *, base: Path) -> str | None:
    """The migration that a database is at, as `schema.HEAD` is; None: it is empty, or not there. Nothing is changed.

    Raises:
        UsageError: the URL is of another form.
        UnavailableError: it cannot be reached, or is not in a safe place.
    """
    parsed = _parse(url)
    path = base / (parsed.database or "tovi.db")
    is_file = parsed.get_backend_name() == "sqlite"
    if is_file and not path.exists():
        return None
    try:
        if is_file:
            sqlite.create_file(path)  # which also looks where it is, and who can read it
        reading = (
            sqlite.reader_engine(path, connections=1) if is_file else postgres.reader_engine(parsed, connections=1)
        )
        try:
            with reading.connect() as connection:
                return schema.version(connection)
        finally:
            reading.dispose()
    except SQLAlchemyError as error:
        raise translate(error) from error


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise _unknown_kind() from error
    if parsed.drivername not in {"sqlite", "postgresql", "postgresql+psycopg"}:
        raise _unknown_kind()
    return parsed


def _unknown_kind() -> UsageError:
    return UsageError(
        "[database] url names no database that Tovi can use",
        why="it begins with sqlite:/// or postgresql://",
        hint='for instance "sqlite:///tovi.db"',
    )


def _migrate(engine: Engine) -> None:
    try:
        schema.bring_up_to_date(engine)
    finally:
        engine.dispose()
