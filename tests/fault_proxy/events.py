"""What a watch can tell other than what happened: functions from its lines to others."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Final

from tests.fault_proxy import answers
from tests.fault_proxy.exchange import Lines, ResetError, Reshape

_END: Final = b""


async def doubled(lines: Lines) -> Lines:
    """Everything is told twice."""
    async for line in lines:
        yield line
        yield line


def reordered(*, seed: int = 0, within_s: float = 0.3) -> Reshape:
    """What happens within a moment is told in another order."""
    dice = random.Random(seed)

    async def reshape(lines: Lines) -> Lines:
        async for batch in _batches(lines, within_s):
            dice.shuffle(batch)
            for line in batch:
                yield line

    return reshape


async def only_bookmarks(lines: Lines) -> Lines:
    """The version moves on, and what happened is not told: only a list can repair it."""
    async for line in lines:
        event = json.loads(line)
        kept = {name: event["object"][name] for name in ("kind", "apiVersion")}
        version = {"resourceVersion": event["object"]["metadata"]["resourceVersion"]}
        yield json.dumps({"type": "BOOKMARK", "object": {**kept, "metadata": version}}).encode() + b"\n"


def error_after(count: int) -> Reshape:
    """After so many events there is one of the type ERROR, with 410, and then no more."""

    async def reshape(lines: Lines) -> Lines:
        async for line in _first(lines, count):
            yield line
        yield json.dumps({"type": "ERROR", "object": json.loads(answers.gone().body)}).encode() + b"\n"

    return reshape


def cut_after(count: int) -> Reshape:
    """After so many events there is half of one, and the connection is reset."""

    async def reshape(lines: Lines) -> Lines:
        async for line in _first(lines, count):
            yield line
        async for line in lines:
            yield line[: len(line) // 2]
            raise ResetError

    return reshape


async def _first(lines: Lines, count: int) -> Lines:
    for _ in range(count):
        if line := await anext(lines, b""):
            yield line


async def _batches(lines: Lines, within_s: float) -> AsyncIterator[list[bytes]]:
    """What comes within a moment of the first."""
    queue: asyncio.Queue[bytes] = asyncio.Queue()
    pouring = asyncio.create_task(_pour(lines, queue))
    try:
        while (first := await queue.get()) != _END:
            await asyncio.sleep(within_s)
            more = [queue.get_nowait() for _ in range(queue.qsize())]
            yield [first, *(line for line in more if line != _END)]
            if _END in more:
                break
        await pouring
    finally:
        pouring.cancel()


async def _pour(lines: Lines, queue: asyncio.Queue[bytes]) -> None:
    try:
        async for line in lines:
            queue.put_nowait(line)
    finally:
        queue.put_nowait(_END)
