"""Parts of a whole as a bar of blocks, fine to an eighth of a column."""

from __future__ import annotations

from typing import Final

_EIGHTHS: Final = " ▏▎▍▌▋▊▉"
_FULL: Final = "█"
_EMPTY: Final = "░"


def bar(part: float, whole: float, columns: int) -> str:
    """`columns` wide. A whole of 0 is empty; more than the whole is full."""
    share = min(max(part / whole, 0.0), 1.0) if whole > 0 else 0.0
    full, eighths = divmod(round(share * columns * 8), 8)
    edge = _EIGHTHS[eighths] if eighths else ""
    return _FULL * full + edge + _EMPTY * (columns - full - len(edge))
