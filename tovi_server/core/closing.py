"""Ending a stream of the manager at once, whatever ended its reading."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def closed_after(stream: AsyncIterator[object]) -> AsyncIterator[None]:
    """Close the stream after the block, so that the manager stops following."""
    try:
        yield
    finally:
        if isinstance(stream, AsyncGenerator):
            await stream.aclose()
