"""A key or a user that is no longer valid loses its open connections."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import structlog

from tovi_server.api import Gate
from tovi_server.core.access import Caller
from tovi_server.core.errors import DeniedError
from tovi_server.receivers.ssh_login import Login

log = structlog.get_logger(__name__)

_REASON: Final = "this key or its user is no longer valid"
_LAST_WORDS_S: Final = 1


async def close_invalid(gate: Gate, logins: Iterable[Login]) -> None:
    """Ask once for each caller with open connections."""
    open_logins: dict[Caller, list[Login]] = {}
    for login in logins:
        if login.caller is not None:
            open_logins.setdefault(login.caller, []).append(login)
    for caller, theirs in open_logins.items():
        if not await gate.still_valid(caller):
            log.info("caller_invalid", user=caller.user, connections=len(theirs))
            await asyncio.gather(*map(_expel, theirs))


async def _expel(login: Login) -> None:
    """Terminals are put in order first: what is sent just before a disconnect, OpenSSH's clients do not show."""
    if login.end_tuis(DeniedError(_REASON)):
        with suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await login.wait_ended()
    login.end(_REASON)
