"""PostgreSQL. One transaction writes at a time, over all processes, so that it behaves like SQLite: the order
of event numbers is the order of commit, and nothing that was read changes before it is written."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

_WRITE_LOCK: Final = 0x546F7669
"""The advisory lock that writers of one database take; nothing else uses the number."""


def writer_engine(url: URL) -> Engine:
    """For one thread that writes: every transaction takes the write lock when it begins."""
    # A database tuned for speed may acknowledge before it writes; we must not.
    engine = _engine(url, pool_size=1, setting="synchronous_commit=on")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_WRITE_LOCK})")

    return engine


def reader_engine(url: URL, *, connections: int) -> Engine:
    """For threads that read: each transaction sees one moment, and cannot write."""
    engine = _engine(url, pool_size=connections, setting="default_transaction_read_only=on")
    return engine.execution_options(isolation_level="REPEATABLE READ")


def _engine(url: URL, *, pool_size: int, setting: str) -> Engine:
    given = url.query.get("options", "")
    options = given if isinstance(given, str) else " ".join(given)
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"options": f"{options} -c {setting}".strip()},
    )
