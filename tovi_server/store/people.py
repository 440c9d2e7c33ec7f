"""Users and their public keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, bindparam, delete, func, insert, select, update

from tovi_server.core.errors import ConflictError, NotFoundError
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow

_USERS = tables.users.c
_KEYS = tables.keys.c
_KEY_OWNER: Final = (
    select(_USERS.name, _USERS.disabled)
    .join(tables.keys, _KEYS.user == _USERS.name)
    .where(_KEYS.fingerprint == bindparam("b_fingerprint"))
)
_USE_NOTED_EVERY: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class User:
    name: str
    admin: bool
    disabled: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Key:
    user: str
    fingerprint: str
    line: str
    added_at: datetime
    used_at: datetime | None


def read_user(connection: Connection, name: str) -> User | None:
    row = connection.execute(select(tables.users).where(_USERS.name == name)).one_or_none()
    return None if row is None else _user_of(row)


def read_users(connection: Connection) -> tuple[User, ...]:
    """By name."""
    return tuple(_user_of(row) for row in connection.execute(select(tables.users).order_by(_USERS.name)))


def add_user(connection: Connection, name: str, *, admin: bool, now: datetime) -> None:
    """Raises:
    ConflictError: there is one of that name.
    """
    if read_user(connection, name) is not None:
        raise ConflictError(f'there is a user "{name}" already')
    values = {"name": name, "admin": admin, "disabled": False, "current_project": None, "created_at": now}
    connection.execute(insert(tables.users), values)


def set_user(connection: Connection, name: str, *, disabled: bool | None, admin: bool | None) -> None:
    """Change what is not None.

    Raises:
        NotFoundError: there is no such user.
        ConflictError: nobody would be left who is an admin and not disabled.
    """
    need_user(connection, name)
    values = {key: value for key, value in (("disabled", disabled), ("admin", admin)) if value is not None}
    if values:
        connection.execute(update(tables.users).where(_USERS.name == name).values(**values))
    if (disabled or admin is False) and not _count_admins(connection):
        raise ConflictError(f'"{name}" is the last admin', why="somebody must be able to manage the server")


def need_user(connection: Connection, name: str) -> None:
    """Raises:
    NotFoundError: there is no such user.
    """
    if read_user(connection, name) is None:
        raise NotFoundError(f'there is no user "{name}"')


def key_owner(connection: Connection, fingerprint: str) -> tuple[str, bool] | None:
    """Whose key it is, and whether that user is disabled; None when it is nobody's."""
    row = connection.execute(_KEY_OWNER, {"b_fingerprint": fingerprint}).one_or_none()
    return None if row is None else (row.name, row.disabled)


def read_keys(connection: Connection, user: str) -> tuple[Key, ...]:
    """Oldest first."""
    query = select(tables.keys).where(_KEYS.user == user).order_by(_KEYS.added_at, _KEYS.fingerprint)
    return tuple(
        Key(user=row.user, fingerprint=row.fingerprint, line=row.line, added_at=row.added_at, used_at=row.used_at)
        for row in connection.execute(query)
    )


def add_key(connection: Connection, user: str, fingerprint: str, line: str, now: datetime) -> None:
    """Raises:
    NotFoundError: there is no such user.
    ConflictError: somebody has that key. It is not said who.
    """
    need_user(connection, user)
    if key_owner(connection, fingerprint) is not None:
        raise ConflictError(f"the key {fingerprint} is in use already", why="a key belongs to one user")
    values = {"fingerprint": fingerprint, "user": user, "line": line, "added_at": now, "used_at": None}
    connection.execute(insert(tables.keys), values)


def remove_key(connection: Connection, user: str, fingerprint: str) -> None:
    """Raises:
    NotFoundError: it is no key of that user.
    ConflictError: it is their last one.
    """
    mine = _is_key(user, fingerprint)
    if not connection.execute(delete(tables.keys).where(mine)).rowcount:
        raise NotFoundError(f"you have no key {fingerprint}", hint="`keys` lists yours")
    if not connection.execute(select(func.count()).where(_KEYS.user == user)).scalar_one():
        raise ConflictError(
            "this is your last key", why="without one you could not come back", hint="add another first"
        )


def touch_key(connection: Connection, fingerprint: str, now: datetime) -> None:
    """Note that a key was used, once a minute at most; nothing for unknown ones."""
    stale = _KEYS.used_at.is_(None) | (_KEYS.used_at < now - _USE_NOTED_EVERY)
    connection.execute(update(tables.keys).where(_KEYS.fingerprint == fingerprint, stale).values(used_at=now))


def _is_key(user: str, fingerprint: str) -> ColumnElement[bool]:
    return (_KEYS.fingerprint == fingerprint) & (_KEYS.user == user)


def _count_admins(connection: Connection) -> int:
    query = select(func.count()).select_from(tables.users).where(_USERS.admin, ~_USERS.disabled)
    return connection.execute(query).scalar_one()


def _user_of(row: AnyRow) -> User:
    return User(name=row.name, admin=row.admin, disabled=row.disabled, created_at=row.created_at)
