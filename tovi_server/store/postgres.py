"""PostgreSQL. One transaction writes at a time, over all processes, so that it behaves like SQLite: the order
of event numbers is the order of commit, and nothing that was read changes before it is written."""

from __future__ import annotations

from typing import Final

from psycopg.conninfo import make_conninfo
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError

_WRITE_LOCK: Final = 0x546F7669
"""The advisory lock that writers of one database take; nothing else uses the number."""
_STILL: Final = "8s"
"""Who stands still so long in the middle of a write, or is cut off, gives the lock back before a lease is over."""
_PATIENCE: Final = "3s"
"""So long the write lock is waited for, before it is looked at who has it."""
_LOCK: Final = """
SET LOCAL lock_timeout = '{patience}'; SELECT pg_advisory_xact_lock({lock}); SET LOCAL lock_timeout = 0
"""
_END_STANDING: Final = """
SELECT pg_terminate_backend(pid)
FROM pg_locks JOIN pg_stat_activity USING (pid)
WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = {lock} AND objsubid = 1
AND datname = current_database() AND usename = current_user
AND wait_event_type = 'Client' AND state_change < clock_timestamp() - interval '{still}'
"""
"""PostgreSQL itself ends only who is idle: not who has sent a part of a batch, or does not read an answer."""
_NOTICING: Final = {
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}
"""A database that is cut off is noticed within half a minute; what the URL says comes first."""


def writer_engine(url: URL) -> Engine:
    """For one thread that writes: every transaction takes the write lock when it begins."""
    # A database tuned for speed may acknowledge before it writes; we must not.
    settings = ("synchronous_commit=on", f"idle_in_transaction_session_timeout={_STILL}")
    engine = _engine(url, pool_size=1, settings=settings)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        while not _try_lock(connection):
            connection.exec_driver_sql(_END_STANDING.format(lock=_WRITE_LOCK, still=_STILL))

    return engine


def _try_lock(connection: Connection) -> bool:
    """Take the write lock; False: others kept it for that long, and the transaction is over."""
    try:
        connection.exec_driver_sql(_LOCK.format(lock=_WRITE_LOCK, patience=_PATIENCE))
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        connection.connection.rollback()
        return False
    return True


def reader_engine(url: URL, *, connections: int) -> Engine:
    """For threads that read: each transaction sees one moment, and cannot write."""
    engine = _engine(url, pool_size=connections, settings=("default_transaction_read_only=on",))
    return engine.execution_options(isolation_level="REPEATABLE READ")


def connection_text(url: URL) -> str:
    """The same place, as the library itself is told of it."""
    plain = url.set(drivername="postgresql+psycopg")
    _, found = plain.get_dialect()().create_connect_args(plain)
    return make_conninfo(**{**_NOTICING, **found, "context": None})


def _engine(url: URL, *, pool_size: int, settings: tuple[str, ...]) -> Engine:
    given = url.query.get("options", "")
    options = [given] if isinstance(given, str) else list(given)
    options += [f"-c {setting}" for setting in settings]
    return create_engine(
        url.set(drivername="postgresql+psycopg").difference_update_query(["options"]),
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={
            "options": " ".join(options).strip(),
            **{name: value for name, value in _NOTICING.items() if name not in url.query},
        },
    )
