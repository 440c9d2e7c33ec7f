"""What an idle SSH connection keeps in memory."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from tests.bench import connections, memory
from tests.bench.figures import Figure, Gate
from tests.bench.spread import Spread
from tests.live import Live, live_server

TITLE: Final = "Idle connections"
CONNECTIONS: Final = 500
ABOUT: Final = f"""
{CONNECTIONS} connections from several addresses of this machine, each logged in, each after one command (`version`),
then idle. Memory is by how much the proportional set sizes of all processes of the server together grew, beginning
with a server that had a few dozen before.
"""
_SETTINGS: Final = f"[limits]\nconnections_per_user = {2 * CONNECTIONS}\n"
_SETTLE_S: Final = 3


def bench() -> tuple[Figure, ...]:
    with live_server(_SETTINGS) as live:
        asyncio.run(_hold(live, 50))
        before = memory.pss_kib(live.parts())
        first = asyncio.run(_hold(live, CONNECTIONS))
        between = memory.pss_kib(live.parts())
        second = asyncio.run(_hold(live, CONNECTIONS))
        return summary(first - before, second - between)


def summary(first: int, second: int) -> tuple[Figure, ...]:
    """From KiB of all connections together: of the first so many of a server, and once it had had as many before."""
    gate = Gate(100, "KiB")
    return (
        Figure("an idle connection", Spread.of([first / CONNECTIONS]), "KiB", gate),
        Figure("the same, of a server that had as many before", Spread.of([second / CONNECTIONS]), "KiB"),
    )


async def _hold(live: Live, count: int) -> int:
    """The server's size with so many open, in KiB; they are closed again."""
    async with connections.to_tovi(live, count) as opened:
        for connection in opened:
            await connections.run(connection, "version")
        await asyncio.sleep(_SETTLE_S)
        size = memory.pss_kib(live.parts())
    time.sleep(_SETTLE_S)
    return size
