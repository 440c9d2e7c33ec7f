"""Runs migrations. Apart from `schema`, because loading alembic is dear and hardly ever needed."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection

from tovi_server.core.errors import UnavailableError


def upgrade(connection: Connection, found: str | None) -> None:
    """From the schema that was found to the newest, in the transaction of `connection`.

    Raises:
        UnavailableError: the database belongs to a newer Tovi.
    """
    config = Config()
    config.set_main_option("script_location", "tovi_server.store:migrations")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise UnavailableError(
            f"the database is at schema {found}, which this version of Tovi does not know",
            why="a newer version has been used with it",
            hint="install that version again; data is never taken back to an older schema",
        ) from error
