"""Which jobs changed, for those who look at lists: no more than their ids and which ended, and never in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from tovi_server.core.views import News
from tovi_server.manager.desk import Desk

PAUSE_S: Final = 1.0
"""Between two pieces of news."""


async def news(desk: Desk) -> AsyncIterator[News]:
    """From now on, without end. The first is that anything may have changed."""
    with desk.changes.watching() as watch:
        yield News(None)
        while True:
            await watch.changed()
            told = watch.take()
            yield News(None) if told is None else News(tuple(sorted(told.jobs)), tuple(sorted(told.ended)))
            await asyncio.sleep(PAUSE_S)
