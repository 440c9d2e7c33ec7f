"""Images: their size, and a PNG in half blocks.

PNG: https://www.w3.org/TR/png-3/. Only what is common is decoded: 8 bits a channel, not interlaced.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tovi_tui.text.span import Ink, Line, Span, Tone, line

PNG: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 4: 2, 6: 4}
_MOST_PIXELS: Final = 4_000_000
_COLUMNS: Final = 60
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
        few = self.width * self.height <= _MOST_PIXELS and self.width and self.height
        return bool(few) and self.depth == 8 and self.kind in _CHANNELS and not self.interlaced


def kind_of(data: bytes) -> str:
    """What an image other than a PNG is, with its size where it is told at once; empty: it is none."""
    if data[:6] in {b"GIF87a", b"GIF89a"} and len(data) >= 10:
        width, height = struct.unpack_from("<HH", data, 6)
        return f"a GIF image, {width} × {height}"
    if data.startswith(b"\xff\xd8\xff"):
        return "a JPEG image"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "a WebP image"
    return ""


def png_lines(data: bytes) -> Iterator[Line]:
    """Its size, and the image where it is whole and simple enough."""
    header = _header(data)
    yield line(Span(f"a PNG image, {header.width} × {header.height}", Tone.DIM))
    if header.can_be_drawn:
        yield from _half_blocks(_pixels(data, header), header)


def _header(data: bytes) -> _Header:
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise ValueError("a PNG without a header")
    width, height, depth, kind, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    return _Header(width, height, depth, kind, interlaced)


def _pixels(data: bytes, header: _Header) -> bytes:
    """All rows, without their filters."""
    channels = _CHANNELS[header.kind]
    stride = header.width * channels
    raw = _inflated(data, (stride + 1) * header.height)
    rows, above = bytearray(), bytes(stride)
    for at in range(0, len(raw), stride + 1):
        above = _unfiltered(raw[at], bytearray(raw[at + 1 : at + 1 + stride]), above, channels)
        rows += above
    return bytes(rows)


def _inflated(data: bytes, size: int) -> bytes:
    """The image's data, which must be of that size."""
    packed = b"".join(_chunks(data, b"IDAT"))
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, size)
    except zlib.error as error:
        raise ValueError(f"a broken PNG: {error}") from error
    if len(raw) < size:
        raise ValueError("a PNG that is not whole")
    return raw


def _chunks(data: bytes, wanted: bytes) -> Iterator[bytes]:
    at = len(PNG)
    while at + 8 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if data[at + 4 : at + 8] == wanted:
            yield data[at + 8 : at + 8 + length]
        at += 12 + length


def _unfiltered(kind: int, row: bytearray, above: bytes, step: int) -> bytes:
    """One row (section 9.2 of the standard)."""
    if kind == 2:
        return bytes((one + up) & 255 for one, up in zip(row, above, strict=False))
    if kind:
        for at in range(len(row)):
            left = row[at - step] if at >= step else 0
            corner = above[at - step] if at >= step else 0
            row[at] = (row[at] + _predicted(kind, left, above[at], corner)) & 255
    return bytes(row)


def _predicted(kind: int, left: int, up: int, corner: int) -> int:
    match kind:
        case 1:
            return left
        case 3:
            return (left + up) // 2
        case 4:
            return min((left, up, corner), key=lambda one: abs(left + up - corner - one))
        case _:
            raise ValueError(f"a PNG with the unknown filter {kind}")


def _half_blocks(pixels: bytes, header: _Header) -> Iterator[Line]:
    """Two rows of pixels in each line."""
    columns = min(_COLUMNS, header.width)
    scale = header.width / columns
    rows = max(1, round(header.height / scale))
    for row in range(0, rows, 2):
        yield tuple(
            Span(
                _UPPER_HALF,
                ink=Ink(_at(pixels, header, column, row, scale), _at(pixels, header, column, row + 1, scale)),
            )
            for column in range(columns)
        )


def _at(pixels: bytes, header: _Header, column: int, row: int, scale: float) -> Colour:
    x = min(int(column * scale), header.width - 1)
    y = min(int(row * scale), header.height - 1)
    channels = _CHANNELS[header.kind]
    first = (y * header.width + x) * channels
    if channels < 3:
        return pixels[first], pixels[first], pixels[first]
    return pixels[first], pixels[first + 1], pixels[first + 2]
