"""The folder of the data directory that is the server's alone."""

from __future__ import annotations

import stat
from pathlib import Path

from tovi_server.core.errors import NotFoundError, ToviError


def check_server_folder(root: Path) -> None:
    """Raises ToviError unless there is one, and it is shut to everybody else."""
    try:
        mode = (root / "server").stat().st_mode
    except FileNotFoundError as error:
        raise NotFoundError(
            f"{root} is no data directory of Tovi", hint=f"`tovi-server init --data {root} …` makes one"
        ) from error
    if stat.S_IMODE(mode) & 0o077:
        raise ToviError(
            f"others can read {root / 'server'}",
            why=f"its mode is {stat.S_IMODE(mode):04o}; the database and the host keys are in it",
            hint=f"chmod 700 {root / 'server'}, and think of who may have read it",
        )
