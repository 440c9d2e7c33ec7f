"""How a process ends: what a person is told, and the exit status."""

from __future__ import annotations

import sys
from collections.abc import Callable

import structlog

from tovi_server.app.link import ParentGoneError
from tovi_server.app.part import PartFailedError
from tovi_server.core.errors import LeaseLostError, ToviError

log = structlog.get_logger(__name__)

_INTERRUPTED = 130


def exit_status(work: Callable[[], int | None]) -> int:
    """Do the work. A bug is raised; everything else becomes a status, ToviErrors three lines on standard error."""
    try:
        return work() or 0
    except KeyboardInterrupt:
        return _INTERRUPTED
    except (ToviError, ExceptionGroup) as error:
        return _ended_by(error)


def _ended_by(error: Exception) -> int:
    """Several tasks end with one error, usually, and others for its sake."""
    match _leaves(error):
        case [PartFailedError() as failed, *_]:
            return failed.status
        case [ParentGoneError(), *_]:
            return 1
        case [LeaseLostError() as lost, *_]:
            log.error("lease_lost", why=str(lost))
            return 1
        case [ToviError() as known]:
            sys.stderr.write(f"{known}\n")
            return known.exit_status
    raise error


def _leaves(error: Exception) -> list[Exception]:
    if not isinstance(error, ExceptionGroup):
        return [error]
    return [leaf for inner in error.exceptions for leaf in _leaves(inner)]
