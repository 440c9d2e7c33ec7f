"""Numbers that tasks run as, given once and never to anybody else."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, func, insert, select

from tovi_server.store import tables

_FIRST: Final = 200_000
"""Above the ids of people and services, and of the ranges that containers are usually given."""
_NOBODY: Final = ""
"""Stands for the project itself: its number is its members' group."""


def identity(connection: Connection, project: str, user: str) -> tuple[int, int]:
    """The uid of this user in this project, and the gid of the project."""
    return _number(connection, project, user), group(connection, project)


def group(connection: Connection, project: str) -> int:
    """The gid of the project."""
    return _number(connection, project, _NOBODY)


def known_identity(connection: Connection, project: str, user: str) -> tuple[int, int] | None:
    """As `identity`, None when nobody asked for it before."""
    uid, gid = _known(connection, project, user), _known(connection, project, _NOBODY)
    return None if uid is None or gid is None else (uid, gid)


def _number(connection: Connection, project: str, user: str) -> int:
    known = _known(connection, project, user)
    if known is not None:
        return known
    highest = connection.execute(select(func.max(tables.identities.c.id))).scalar_one()
    number = _FIRST if highest is None else highest + 1
    connection.execute(insert(tables.identities), {"id": number, "project": project, "user": user})
    return int(number)


def _known(connection: Connection, project: str, user: str) -> int | None:
    columns = tables.identities.c
    query = select(columns.id).where(columns.project == project, columns.user == user)
    return connection.execute(query).scalar_one_or_none()
