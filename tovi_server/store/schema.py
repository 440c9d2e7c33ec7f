"""Brings a database to the schema of this version, once, under a lock."""

from __future__ import annotations

from typing import Final

from sqlalchemy import Connection, Engine, inspect, text

from tovi_server.core.errors import UnavailableError

HEAD: Final = "0001"
"""The newest migration. Known without loading alembic, which costs every process 0.4 s."""


def bring_up_to_date(engine: Engine) -> None:
    """Create or migrate the tables. `engine`'s transactions hold the write lock, and check no foreign keys on SQLite.

    Raises:
        UnavailableError: the database belongs to a newer Tovi; nothing was changed.
    """
    with engine.connect() as connection:
        if version(connection) == HEAD:
            return
    with engine.begin() as connection:
        if version(connection) != HEAD:  # somebody else may have been faster
            _upgrade(connection)


def version(connection: Connection) -> str | None:
    """The migration that the database is at; None for an empty one."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none()


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "tovi_server.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnavailableError(
            f"the database is at schema {version(connection)}, which this version of Tovi does not know",
            why="a newer version has been used with it",
            hint="install that version again; data is never taken back to an older schema",
        ) from error
