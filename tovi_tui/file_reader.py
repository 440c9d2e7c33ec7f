"""As much of a file as a preview needs, and the preview: in pieces, so that one that nobody wants any more ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Final

from tovi_server.api import ManagerAPI
from tovi_tui.previews import preview, zips
from tovi_tui.previews.preview import Sample
from tovi_tui.text.span import Line

_PART: Final = 256 * 1024
_PIECE_LINES: Final = 8


async def previewed(manager: ManagerAPI, path: str, *, is_wanted: Callable[[], bool] = lambda: True) -> list[Line]:
    """The lines of a preview, made in a thread; fewer once it is not wanted."""
    lines, found = preview.preview(await _sample(manager, path)), list[Line]()
    while is_wanted() and (piece := await asyncio.to_thread(_next, lines)):
        found += piece
    return found


def _next(lines: Iterator[Line]) -> list[Line]:
    return list(islice(lines, _PIECE_LINES))


async def _sample(manager: ManagerAPI, path: str) -> Sample:
    data, size = await read(manager, path, start=0, length=preview.FIRST_BYTES)
    sample = Sample(path, size, data)
    if preview.wants_whole(sample):
        rest, _ = await read(manager, path, start=len(data), length=size - len(data))
        return replace(sample, data=data + rest)
    return await _with_directory(manager, path, sample) if preview.is_zip(sample) else sample


async def _with_directory(manager: ManagerAPI, path: str, sample: Sample) -> Sample:
    size = sample.size_bytes
    tail, _ = await read(manager, path, start=max(0, size - zips.TAIL_BYTES), length=zips.TAIL_BYTES)
    try:
        start, length = zips.directory_part(tail, size)
    except ValueError:
        return sample  # shown as what it is then
    directory, _ = await read(manager, path, start=start, length=min(length, zips.MOST_BYTES))
    return replace(sample, directory=directory, directory_bytes=length)


async def read(manager: ManagerAPI, path: str, *, start: int, length: int) -> tuple[bytes, int]:
    """So many bytes, as far as there are any; and how large the file is, which a link's own size would not tell."""
    data, size, is_more = b"", 0, length > 0
    while is_more:
        part = await manager.read_file(path, start=start + len(data), length=min(_PART, length - len(data)))
        data, size = data + part.data, part.size_bytes
        is_more = bool(part.data) and len(data) < length and start + len(data) < size
    return data, size
