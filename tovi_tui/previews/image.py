"""Images that are told by their kind and size alone."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from tovi_tui.text.span import Line, Span, Tone, line

_JPEG: Final = b"\xff\xd8\xff"
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of segments that tell the size (ITU-T T.81, table B.1)."""

Size = tuple[int, int] | None


def kind_of(data: bytes) -> str:
    """What an image other than a PNG is called; empty: it is none."""
    if data[:6] in {b"GIF87a", b"GIF89a"}:
        return "GIF"
    if data.startswith(_JPEG):
        return "JPEG"
    return "WebP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


def image_lines(data: bytes) -> Iterator[Line]:
    """What it is, with its size where that is told in these bytes."""
    kind = kind_of(data)
    size = {"GIF": _gif_size, "JPEG": _jpeg_size, "WebP": _webp_size}[kind](data)
    told = "" if size is None else f", {size[0]} × {size[1]}"
    yield line(Span(f"a {kind} image{told}", Tone.DIM))


def _gif_size(data: bytes) -> Size:
    return _pair("<HH", data, 6)


def _jpeg_size(data: bytes) -> Size:
    """Of the first frame, which may be behind a preview of its own."""
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        if data[at + 1] in _JPEG_FRAMES:
            size = _pair(">HH", data, at + 5)
            return size and size[::-1]
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big") if data[at + 1] != 0xFF else 1
    return None


def _webp_size(data: bytes) -> Size:
    """Of each of its three formats."""
    match data[12:16]:
        case b"VP8X" if len(data) >= 30:
            return 1 + int.from_bytes(data[24:27], "little"), 1 + int.from_bytes(data[27:30], "little")
        case b"VP8L" if len(data) >= 25:
            bits = int.from_bytes(data[21:25], "little")
            return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
        case b"VP8 ":
            size = _pair("<HH", data, 26)
            return size and (size[0] & 0x3FFF, size[1] & 0x3FFF)
    return None


def _pair(form: str, data: bytes, at: int) -> Size:
    if len(data) < at + 4:
        return None
    one, other = struct.unpack_from(form, data, at)
    return int(one), int(other)
