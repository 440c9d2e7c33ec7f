"""A key or a user that is no longer valid loses its open connections."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import structlog

from tovi_server.api import Gate
from tovi_server.core.access import Caller
from tovi_server.core.errors import DeniedError
from tovi_server.receivers.leave import take_leave
from tovi_server.receivers.ssh_login import Login

log = structlog.get_logger(__name__)

_REASON: Final = "this key or its user is no longer valid"


async def close_invalid(gate: Gate, logins: Iterable[Login]) -> None:
    """Ask once for each caller with open connections."""
    open_logins: dict[Caller, list[Login]] = {}
    for login in logins:
        if login.caller is not None:
            open_logins.setdefault(login.caller, []).append(login)
    for caller, theirs in open_logins.items():
        if not await gate.still_valid(caller):
            log.info("caller_invalid", user=caller.user, connections=len(theirs))
            await take_leave(theirs, DeniedError(_REASON))
            for login in theirs:
                login.end(_REASON)
