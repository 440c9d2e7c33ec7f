"""Why nothing can be started now, told by the scheduler to everybody who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from tovi_server.store import tables
from tovi_server.store.texts import tame

_NAME: Final = "scheduler"
_LONGEST: Final = 4096


def record_outage(connection: Connection, why: str, now: datetime) -> None:
    """In the place of what was told before; empty: it is over."""
    connection.execute(delete(tables.outages))
    if why:
        values = {"name": _NAME, "why": tame(why, longest=_LONGEST), "since": now}
        connection.execute(insert(tables.outages).values(values))


def read_outage(connection: Connection) -> str:
    """Empty: there is none."""
    return connection.execute(select(tables.outages.c.why)).scalar_one_or_none() or ""
