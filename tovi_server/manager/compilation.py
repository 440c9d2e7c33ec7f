"""`compile`: a tovi.yaml as one script that runs anywhere. Keeps nothing, needs no project."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

from tovi_server.core import script, spec_reader
from tovi_server.manager.submission import arrive, read_yaml


async def compile_source(source: AsyncIterable[bytes]) -> str:
    text = await read_yaml((await arrive(source)).whole)
    return await asyncio.to_thread(lambda: script.compile_pipeline(spec_reader.read_spec(text)))
