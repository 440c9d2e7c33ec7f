"""Which kind of preview suits a file: by its name and its first bytes."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Final

from tovi_server.core.resources import format_bytes
from tovi_server.core.safe import safe_line
from tovi_tui.previews import archive, image, png, table, texts, zips
from tovi_tui.text.span import Line, Span, Tone, line

FIRST_BYTES: Final = 64 * 1024
"""So much of a file is looked at."""
IMAGE_BYTES: Final = 2 * 1024 * 1024
"""An image is only drawn with all of it; larger ones are told by their size."""
_MOST_LINES: Final = 1200


@dataclass(frozen=True, slots=True)
class Sample:
    """What was read of a file."""

    name: str
    size_bytes: int
    """Of the whole file."""
    data: bytes
    """Its first bytes."""
    directory: bytes | None = None
    """Of a zip, the beginning of its directory; None: it is no zip, or has none."""
    directory_bytes: int = 0
    """How large that is in the whole."""

    @property
    def is_whole(self) -> bool:
        return len(self.data) >= self.size_bytes


def preview(sample: Sample) -> Iterator[Line]:
    """Lines without control characters, each made when it is asked for. Never raises, whatever the bytes are."""
    try:
        for one in islice(_lines(sample), _MOST_LINES):
            yield _harmless(one)
    except (ValueError, LookupError, OverflowError, MemoryError, RecursionError, EOFError, struct.error) as error:
        yield _harmless(line(Span(f"no more of it can be shown: {error}", Tone.DIM)))
        yield ()
        yield from texts.as_hex(sample.data)


def wants_whole(sample: Sample) -> bool:
    """Whether more than its first bytes is needed."""
    return sample.data.startswith(png.MAGIC) and sample.size_bytes <= IMAGE_BYTES and not sample.is_whole


def is_zip(sample: Sample) -> bool:
    """Whether its directory is needed."""
    return sample.data.startswith(zips.MAGICS)


def _lines(sample: Sample) -> Iterable[Line]:
    data, is_whole = sample.data, sample.is_whole
    if not sample.size_bytes:
        return [line(Span("it is empty", Tone.DIM))]
    if data.startswith(png.MAGIC):
        return png.png_lines(data, is_whole=is_whole)
    if image.kind_of(data):
        return image.image_lines(data)
    if sample.directory is not None:
        return archive.zip_lines(sample.directory, is_whole=len(sample.directory) >= sample.directory_bytes)
    if archive.is_tar(sample.name.lower(), data):
        return archive.tar_lines(data, is_whole=is_whole)
    return _with_end(sample, _text_lines(sample) if texts.is_text(data) else texts.as_hex(data))


def _text_lines(sample: Sample) -> Iterable[Line]:
    """Of what is cut, only whole lines."""
    data, name = sample.data, sample.name.lower()
    if not sample.is_whole:
        data = data[: data.rfind(b"\n") + 1] or data
    if name.endswith((".csv", ".tsv")):
        return table.table_lines(data, "\t" if name.endswith(".tsv") else ",")
    return texts.as_json(data) if name.endswith((".json", ".jsonl")) else texts.as_text(data)


def _with_end(sample: Sample, lines: Iterable[Line]) -> Iterator[Line]:
    yield from lines
    if not sample.is_whole:
        told = f"… of the first {format_bytes(len(sample.data))} of {format_bytes(sample.size_bytes)}"
        yield line(Span(told, Tone.DIM))


def _harmless(one: Line) -> Line:
    return tuple(replace(span, text=safe_line(span.text)) for span in one)
