"""The door of a running server without the command line in front of it: `ssh tovi -s tovi-api`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.live import Live
from tovi_server.api import ManagerAPI
from tovi_server.api_client import remote_manager


@asynccontextmanager
async def wire(live: Live, user: str) -> AsyncIterator[ManagerAPI]:
    words = ["ssh", *live.client_options(user), "-T", "tovi", "-s", "tovi-api"]
    process = await asyncio.create_subprocess_exec(
        *words, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with remote_manager(process.stdout, process.stdin) as api:
            yield api
    finally:
        process.stdin.close()
        await process.wait()
