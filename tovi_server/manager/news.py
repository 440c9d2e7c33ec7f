"""Which jobs changed, for those who look at lists: no more than their ids and which ended, and never in a hurry."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from tovi_server.core.views import News
from tovi_server.manager.desk import Desk

_SHORTEST_S: Final = 1.0
_LONGEST_S: Final = 4.0
_PER_S: Final = 6.0
"""Each piece makes who hears it ask for a list: more of that would take from transfers what people look at."""


def pause_s(listeners: int) -> float:
    """Between two pieces of news for the same one of so many."""
    return min(_LONGEST_S, max(_SHORTEST_S, listeners / _PER_S))


async def news(desk: Desk) -> AsyncIterator[News]:
    """From now on, without end. The first is that anything may have changed."""
    with desk.changes.watching() as watch:
        yield News(None)
        while True:
            await watch.changed()
            told = watch.take()
            yield News(None) if told is None else News(tuple(sorted(told.jobs)), tuple(sorted(told.ended)))
            await asyncio.sleep(pause_s(desk.changes.wide))
