"""PNG images in half blocks, row by row: of a large one no more than a row is held, and a costly one ends early.

https://www.w3.org/TR/png-3/. What is common is drawn: 8 or 16 bits a channel, or a palette of 8; not interlaced.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

from tovi_server.core.safe import safe_line
from tovi_tui.text.span import Ink, Line, Span, Tone, line

MAGIC: Final = b"\x89PNG\r\n\x1a\n"
_PALETTE: Final = 3
_CHANNELS: Final = {0: 1, 2: 3, _PALETTE: 1, 4: 2, 6: 4}
_MOST_PIXELS: Final = 16_000_000
_MOST_ROW_BYTES: Final = 256 * 1024
_MOST_STEPS: Final = 8_000_000
"""Bytes whose filter is undone one by one: one or two seconds in the worst case."""
_PACKED_PIECE: Final = 16 * 1024
_RAW_PIECE: Final = 256 * 1024
_COLUMNS: Final = 60
_ROWS: Final = 120
_UPPER_HALF: Final = "▀"

Colour = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class _Header:
    width: int
    height: int
    depth: int
    kind: int
    interlaced: int

    @property
    def can_be_drawn(self) -> bool:
        is_small = 0 < self.width * self.height <= _MOST_PIXELS and self.row_bytes <= _MOST_ROW_BYTES
        is_common = self.depth == 8 or (self.depth == 16 and self.kind != _PALETTE)
        return is_small and is_common and self.kind in _CHANNELS and not self.interlaced

    @property
    def pixel_bytes(self) -> int:
        return _CHANNELS.get(self.kind, 1) * self.depth // 8

    @property
    def row_bytes(self) -> int:
        return self.width * self.pixel_bytes


def png_lines(data: bytes, *, is_whole: bool) -> Iterator[Line]:
    """Its size, and the image where it is whole and simple enough."""
    header = _header(data)
    yield line(Span(f"a PNG image, {header.width} × {header.height}", Tone.DIM))
    if is_whole and header.can_be_drawn:
        palette = b"".join(_chunks(data, b"PLTE"))
        if header.kind == _PALETTE and len(palette) < 3 * 256:
            palette += bytes(3 * 256 - len(palette))
        yield from _drawn(_rows(data, header), header, palette)


def _header(data: bytes) -> _Header:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    return _Header(width, height, depth, kind, interlaced)


def _chunks(data: bytes, wanted: bytes) -> Iterator[bytes]:
    at = len(MAGIC)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == wanted:
            yield data[at + 8 : at + 8 + length]
        at += 12 + length


def _rows(data: bytes, header: _Header) -> Iterator[bytes]:
    """The rows from the top, without their filters."""
    above, steps = bytes(header.row_bytes), 0
    for raw in _filtered(data, header.row_bytes + 1):
        steps += header.row_bytes if raw[0] else 0
        if steps > _MOST_STEPS:
            raise ValueError("the rest of it takes too long to draw")
        above = _unfiltered(raw[0], bytearray(raw[1:]), above, header.pixel_bytes)
        yield above


def _filtered(data: bytes, size: int) -> Iterator[bytes]:
    """Rows as they are in the file, each with its filter in front."""
    held = bytearray()
    for piece in _inflated(b"".join(_chunks(data, b"IDAT"))):
        held += piece
        while len(held) >= size:
            yield bytes(held[:size])
            del held[:size]
    raise ValueError("a PNG that is not whole")


def _inflated(packed: bytes) -> Iterator[bytes]:
    """In pieces of bounded size, however small the packed ones are."""
    unpacker = zlib.decompressobj()
    try:
        for at in range(0, len(packed), _PACKED_PIECE):
            left = packed[at : at + _PACKED_PIECE]
            while left:
                yield unpacker.decompress(left, _RAW_PIECE)
                left = unpacker.unconsumed_tail
        while piece := unpacker.decompress(b"", _RAW_PIECE):
            yield piece
    except zlib.error as error:
        raise ValueError(f"a broken PNG: {safe_line(str(error))}") from error


def _unfiltered(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    """One row (section 9.2 of the standard)."""
    match kind:
        case 0:
            return bytes(row)
        case 1:
            for channel in range(step):
                row[channel::step] = bytes(value & 255 for value in accumulate(row[channel::step]))
            return bytes(row)
        case 2:
            return bytes((one + up) & 255 for one, up in zip(row, above, strict=True))
        case 3:
            return _by_mean(row, above, step)
        case 4:
            return _by_paeth(row, above, step)
        case _:
            raise ValueError(f"a PNG with the unknown filter {kind}")


def _by_mean(row: bytearray, above: bytes, step: int) -> bytes:
    for at, up in enumerate(above):
        left = row[at - step] if at >= step else 0
        row[at] = (row[at] + (left + up) // 2) & 255
    return bytes(row)


def _by_paeth(row: bytearray, above: bytes, step: int) -> bytes:
    for at, up in enumerate(above):
        left, corner = (row[at - step], above[at - step]) if at >= step else (0, 0)
        by_left, by_up, by_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
        near = left if by_left <= by_up and by_left <= by_corner else up if by_up <= by_corner else corner
        row[at] = (row[at] + near) & 255
    return bytes(row)


def _drawn(rows: Iterator[bytes], header: _Header, palette: bytes) -> Iterator[Line]:
    """Two rows of pixels in each line."""
    scale = max(1.0, header.width / _COLUMNS, header.height / _ROWS)
    columns, count = (max(1, int(side / scale)) for side in (header.width, header.height))
    firsts = [int(column * scale) * header.pixel_bytes for column in range(columns)]
    picked = _picked(rows, [int(row * scale) for row in range(count)])
    for upper in picked:
        lower = next(picked, None)
        yield tuple(
            Span(
                _UPPER_HALF,
                ink=Ink(
                    _colour(upper, first, header, palette),
                    None if lower is None else _colour(lower, first, header, palette),
                ),
            )
            for first in firsts
        )


def _picked(rows: Iterator[bytes], wanted: list[int]) -> Iterator[bytes]:
    """Those of the rows, without a look at what comes after the last."""
    at = -1
    for one in wanted:
        while at < one:
            row = next(rows)
            at += 1
        yield row


def _colour(row: bytes, first: int, header: _Header, palette: bytes) -> Colour:
    if header.kind == _PALETTE:
        red = 3 * row[first]
        return palette[red], palette[red + 1], palette[red + 2]
    if _CHANNELS[header.kind] < 3:
        return row[first], row[first], row[first]
    channel = header.depth // 8
    return row[first], row[first + channel], row[first + 2 * channel]
