"""SQLite, set up so that what is acknowledged survives a power cut. Every setting is asserted when it opens."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

from tovi_server.core.errors import UnavailableError
from tovi_server.store.mounts import network_file_system

_PRAGMAS: Final[Mapping[str, str | int]] = {
    "journal_mode": "wal",
    "synchronous": 2,  # FULL: with NORMAL, 8 of 8 simulated power cuts lost acknowledged rows
    "foreign_keys": 1,
    "mmap_size": 0,  # a failing disk must be an error code, not a SIGBUS
    "busy_timeout": 30_000,
    "journal_size_limit": 64 * 2**20,
}
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def create_file(path: Path) -> None:
    """Make sure that the database file is there, for its owner alone.

    Raises:
        UnavailableError: others may read it, it cannot be written, or it is on a network file system.
    """
    kind = network_file_system(path.parent)
    if kind is not None:
        raise UnavailableError(
            f"SQLite cannot keep its database on {kind}: {path}",
            why="locks and shared memory of a network file system lose data",
            hint='set [database] url to "postgresql://…" or to a file on a local disk',
        )
    _touch(path)
    if path.stat().st_mode & _OTHERS:
        raise UnavailableError(
            f"others may read the database {path}", why="its file mode must be 0600", hint=f"chmod 600 {path}"
        )


def _touch(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise UnavailableError(
            f"the database {path} cannot be written",
            why=error.strerror or "",
            hint="it needs a disk that can be written, and to belong to who runs the server",
        ) from error


def writer_engine(path: Path, *, foreign_keys: bool = True) -> Engine:
    """For one thread that writes: every transaction takes the write lock when it begins."""
    engine = _engine(path, pool_size=1)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        _set_up(connection, {**_PRAGMAS, "foreign_keys": int(foreign_keys)})

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def reader_engine(path: Path, *, connections: int) -> Engine:
    """For threads that read: each transaction sees one moment, and cannot write."""
    engine = _engine(path, pool_size=connections)

    @event.listens_for(engine, "connect")
    def set_up(connection: DBAPIConnection, record: ConnectionPoolEntry) -> None:
        assert isinstance(connection, sqlite3.Connection)
        _set_up(connection, {**_PRAGMAS, "query_only": 1})

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine


def _engine(path: Path, *, pool_size: int) -> Engine:
    return create_engine(
        URL.create("sqlite+pysqlite", database=str(path)),
        pool_size=pool_size,
        max_overflow=0,
        connect_args={"check_same_thread": False, "isolation_level": None, "cached_statements": 512},
    )


def _set_up(connection: sqlite3.Connection, pragmas: Mapping[str, str | int]) -> None:
    for name, wanted in pragmas.items():
        connection.execute(f"PRAGMA {name} = {wanted}")
        (found,) = connection.execute(f"PRAGMA {name}").fetchone()
        if found != wanted:
            raise UnavailableError(
                f"SQLite cannot be used here: {name} is {found}", why=f"it must be {wanted} to keep data safe"
            )
