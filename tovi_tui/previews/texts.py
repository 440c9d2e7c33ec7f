"""Texts, JSON, and bytes that are neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from tovi_tui.text.span import Line, Span, Tone, line

_MOST_LINES: Final = 1000
_LONGEST: Final = 2000
_HEX_BYTES: Final = 256
_HEX_ROW: Final = 16
_FEW_CONTROLS: Final = 0.02
_CONTROLS: Final = bytes(range(9)) + bytes(range(14, 27)) + bytes(range(28, 32)) + b"\x7f"


def is_text(data: bytes) -> bool:
    """Whether hardly anything in it is a control, or no UTF-8."""
    if b"\x00" in data:
        return False
    odd = len(data) - len(data.translate(None, _CONTROLS))
    odd += data.decode(errors="replace").count("\ufffd")
    return odd <= 3 + _FEW_CONTROLS * len(data)


def as_text(data: bytes) -> Iterator[Line]:
    """Line by line, long ones cut."""
    lines = data.decode(errors="replace").expandtabs(8).splitlines()
    for one in lines[:_MOST_LINES]:
        yield line(one[:_LONGEST])
    if len(lines) > _MOST_LINES:
        yield line(Span(f"… {len(lines) - _MOST_LINES} lines more", Tone.DIM))


def as_json(data: bytes) -> Iterator[Line]:
    """With one value a line, if it is whole; else as it is."""
    try:
        laid_out = "".join(_laid_out(json.loads(data)))
    except (ValueError, RecursionError):
        yield from as_text(data)
        return
    yield from as_text(laid_out.encode(errors="replace"))


def _laid_out(value: object) -> Iterator[str]:
    """As far as it is shown: what is nested deep would be many times as long as the file."""
    lines = 0
    for piece in json.JSONEncoder(indent=2, ensure_ascii=False).iterencode(value):
        lines += "\n" in piece
        if lines > _MOST_LINES:
            yield "\n…"
            return
        yield piece


def as_hex(data: bytes) -> Iterator[Line]:
    """The first bytes as numbers and letters."""
    for at in range(0, min(len(data), _HEX_BYTES), _HEX_ROW):
        row = data[at : at + _HEX_ROW]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        yield line(Span(f"{at:06x}  ", Tone.DIM), f"{row.hex(' '):<{3 * _HEX_ROW}}", Span(letters, Tone.DIM))
