"""The database's errors in Tovi's words, translated once."""

from __future__ import annotations

import sqlite3
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

from tovi_server.core.errors import UnavailableError

_BUSY: Final = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})
_BROKEN: Final = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_PRIMARY_CODE: Final = 0xFF


class StoreBrokenError(UnavailableError):
    """The disk failed under the database. What was written is unknown, so this process must write no more.

    A failed fsync drops the pages it could not write: trying again would succeed, and lie.
    """


def translate(error: Exception) -> Exception:
    """What to raise instead: an `UnavailableError` for what the world did, the error itself for a bug."""
    if not isinstance(error, DBAPIError):
        return error
    if isinstance(error.orig, sqlite3.Error):
        return _translate_sqlite(error, error.orig)
    if error.connection_invalidated or isinstance(error, InterfaceError | OperationalError):
        return UnavailableError(
            "the database did not answer",
            why=_first_line(error),
            hint="it may have been kept: look before you try again; submitting with --key is always safe",
        )
    return error


def _translate_sqlite(error: DBAPIError, cause: sqlite3.Error) -> Exception:
    code = getattr(cause, "sqlite_errorcode", 0) & _PRIMARY_CODE
    if code in _BUSY:
        return UnavailableError("the database is busy", why=_first_line(error), hint="try again in a moment")
    if code == sqlite3.SQLITE_FULL:
        return UnavailableError(
            "nothing was kept: the disk with the database is full",
            why=_first_line(error),
            hint="an admin must make room there; then try again",
        )
    if code in _BROKEN:
        return StoreBrokenError(
            "the disk with the database failed",
            why=_first_line(error),
            hint="the server must be restarted once the disk is well; what it had acknowledged before is kept",
        )
    if isinstance(error, OperationalError):
        return UnavailableError(
            "the database cannot be written", why=_first_line(error), hint="an admin must look at it"
        )
    return error


def _first_line(error: DBAPIError) -> str:
    """Without the statement and its values, which are nobody's business."""
    return str(error.orig).partition("\n")[0]
