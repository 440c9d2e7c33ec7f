"""Which kind of preview suits a file: by its name and its first bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from tovi_tui.previews import archive, image, table, texts
from tovi_tui.text.span import Line, Span, Tone, line

FIRST_BYTES: Final = 64 * 1024
"""So much of a file is looked at."""
IMAGE_BYTES: Final = 1024 * 1024
"""An image is only whole with all of it; larger ones are told by their size."""

Preview = Callable[[bytes], Iterable[Line]]


def preview(name: str, data: bytes, size_bytes: int) -> list[Line]:
    """Lines for a file of that name and size, which begins with `data`. Never raises, whatever the bytes are."""
    if not size_bytes:
        return [line(Span("it is empty", Tone.DIM))]
    try:
        return list(_kind(name.lower(), data)(data))
    except (ValueError, KeyError, IndexError, OverflowError, MemoryError, RecursionError, EOFError) as error:
        return [line(Span(f"it is not what its name says: {error}", Tone.DIM)), (), *texts.as_hex(data)]


def wants_whole(name: str, size_bytes: int) -> bool:
    """Whether more than its first bytes is needed."""
    return name.lower().endswith(".png") and size_bytes <= IMAGE_BYTES


def _kind(name: str, data: bytes) -> Preview:
    if data.startswith(image.PNG):
        return image.png_lines
    if kind := image.kind_of(data):
        return lambda data: [line(kind)]
    if archive.is_archive(name, data):
        return archive.listing
    if not texts.is_text(data):
        return texts.as_hex
    if name.endswith((".csv", ".tsv")):
        return lambda data: table.table_lines(data, "\t" if name.endswith(".tsv") else ",")
    if name.endswith((".json", ".jsonl")):
        return texts.as_json
    return texts.as_text
