"""Ctrl-C on a terminal: over SSH it is only a byte, which the command itself must heed."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

from tovi_server.streams import Streams

INTERRUPTED = 130
_CTRL_C = b"\x03"


async def interruptible(streams: Streams, work: Coroutine[None, None, int]) -> int:
    """Do the work of a command; with a terminal, Ctrl-C ends it with status 130."""
    if not streams.stdin_is_terminal:
        return await work
    command = asyncio.create_task(work)
    watcher = asyncio.create_task(_interrupt(streams, command))
    try:
        return await command
    except asyncio.CancelledError:
        if watcher.done() and not watcher.cancelled() and watcher.result():
            return INTERRUPTED
        raise
    finally:
        watcher.cancel()
        await asyncio.wait({watcher})


async def _interrupt(streams: Streams, command: asyncio.Task[int]) -> bool:
    try:
        async for typed in streams.read():
            if _CTRL_C in typed:
                return command.cancel()
    except ConnectionError:
        pass  # the receiver ends the command of a client that went away
    return False
