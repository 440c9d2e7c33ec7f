"""What a server is made of, by its role; and whether others may run beside it."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Final

from tovi_server.app.sole import sole_server
from tovi_server.core.errors import UsageError
from tovi_server.settings import Role, Settings

_LEAST_RECEIVERS: Final = 2


def check_role(settings: Settings) -> None:
    """Raises UsageError where parts on several machines could not meet."""
    role = settings.server.role
    if role is not Role.ALL and not settings.database.is_shared:
        raise UsageError(
            f"a server that is only a {role.value} needs PostgreSQL",
            why="SQLite is a file for the processes of one machine, and [database] url names one",
            hint='set [database] url = "postgresql://…" for all of them, or serve with role "all"',
        )


def alone_where_needed(folder: Path, settings: Settings) -> AbstractContextManager[None]:
    """Hold the data directory; but on PostgreSQL several servers may share it, of whose schedulers one leads.

    Raises:
        ConflictError: another server holds it.
    """
    return nullcontext() if settings.database.is_shared else sole_server(folder)


def receivers_of(settings: Settings) -> int:
    """How many processes serve SSH."""
    if settings.server.role is Role.SCHEDULER:
        return 0
    return settings.server.receivers or max(_LEAST_RECEIVERS, os.cpu_count() or 1)


def schedulers_of(settings: Settings) -> int:
    return 0 if settings.server.role is Role.RECEIVER else 1
