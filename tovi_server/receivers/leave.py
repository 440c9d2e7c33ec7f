"""Ending connections whose terminals have to be put in order first."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from tovi_server.core.errors import ToviError
from tovi_server.receivers.ssh_login import Login

_MOMENT_S: Final = 1


async def take_leave(logins: Iterable[Login], why: ToviError) -> None:
    """End the terminal UIs on these connections, and give their clients a moment to go.

    What is sent just before a disconnect, OpenSSH's clients do not show.
    """
    leaving = [login for login in logins if login.end_tuis(why)]
    with suppress(TimeoutError):
        async with asyncio.timeout(_MOMENT_S):
            for login in leaving:
                await login.wait_ended()
