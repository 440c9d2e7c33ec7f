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

    Begun before anything is loaded: then the first piece, that anything may have changed, tells nothing. Of a stream
    that is followed again it does.
    """
    is_known = True
    while True:
        with suppress(ToviError):
            async for news in manager.news():
                if not is_known:
                    tell(news)
                is_known = False
        is_known = False
        await asyncio.sleep(RETRY_S)
