"""News of jobs for the whole session: one stream, followed again when it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError
from tovi_server.core.views import News

RETRY_S: Final = 3.0


async def follow(manager: ManagerAPI, tell: Callable[[News], None]) -> None:
    """For ever; a failure is told by the screens, which fail themselves.

    Begun before anything is loaded: then the first piece, that anything may have changed, tells nothing.
    """
    is_first = True
    while True:
        with suppress(ToviError):
            async for news in manager.news():
                if not is_first:
                    tell(news)
                is_first = False
        await asyncio.sleep(RETRY_S)
