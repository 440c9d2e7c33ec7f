"""What front ends keep for a user: a few texts by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Connection, delete, insert, select

from tovi_server.core.errors import QuotaExceededError
from tovi_server.core.preferences import MOST
from tovi_server.store import tables

_ROWS: Final = tables.preferences.c


def read_preferences(connection: Connection, user: str) -> dict[str, str]:
    """By name."""
    rows = connection.execute(select(_ROWS.name, _ROWS.value).where(_ROWS.user == user))
    return {row.name: row.value for row in rows}


def prefer(connection: Connection, user: str, values: Mapping[str, str]) -> None:
    """Keep these; an empty value is forgotten.

    Raises:
        QuotaExceededError: there would be too many.
    """
    named = _ROWS.user == user, _ROWS.name.in_(list(values))
    connection.execute(delete(tables.preferences).where(*named))
    kept = [{"user": user, "name": name, "value": value} for name, value in values.items() if value]
    if kept:
        connection.execute(insert(tables.preferences), kept)
    need_few(len(read_preferences(connection, user)))


def need_few(count: int) -> None:
    """Raises:
    QuotaExceededError: so many are too many.
    """
    if count > MOST:
        raise QuotaExceededError(f"{count} preferences are too many", why=f"a user may have {MOST}")
