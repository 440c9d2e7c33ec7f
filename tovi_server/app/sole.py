"""One server on a data directory, and one scheduler at a time."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

from tovi_server.core.errors import ConflictError, UnavailableError

_RETRY_S: Final = 0.05


@contextmanager
def sole_server(folder: Path) -> Iterator[None]:
    """Hold the data directory whose `server` folder this is.

    Raises:
        ConflictError: another server holds it.
        UnavailableError: it cannot be written.
    """
    opened = _open(folder / "lock")
    try:
        if not _locked(opened):
            raise ConflictError(
                f"another server runs on {folder.parent}",
                why="two would start the same jobs twice",
                hint="end that one first, or give this one a data directory of its own",
            )
        yield
    finally:
        os.close(opened)


@asynccontextmanager
async def sole_scheduler(folder: Path) -> AsyncIterator[None]:
    """Wait until the scheduler of an earlier server, whose parent is gone, has ended too."""
    opened = _open(folder / "scheduler.lock")
    try:
        while not _locked(opened):  # noqa: ASYNC110  # the kernel tells nobody when a lock is free
            await asyncio.sleep(_RETRY_S)
        yield
    finally:
        os.close(opened)


def _open(path: Path) -> int:
    """Raises:
    UnavailableError: the folder cannot be written.
    """
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UnavailableError(
            f"the data directory cannot be written: {path.parent}",
            why=error.strerror or "",
            hint="it needs a disk that can be written, and to belong to who runs the server",
        ) from error


def _locked(opened: int) -> bool:
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
