"""The page of help of a screen: its keys, and those of everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tovi_tui.text.span import Line, Span, Tone, line

Keys = Sequence[tuple[str, str]]
"""Each key as people read it, with what it does."""

_KEY_COLUMNS: Final = 16


def help_lines(screen: Keys, everywhere: Keys, to_type: Sequence[str]) -> list[Line]:
    """All of it; `to_type` are lines for one's own machine."""
    return [
        *_part("This screen", screen),
        (),
        *_part("Everywhere", everywhere),
        (),
        line(Span("On your own machine", Tone.BOLD)),
        *(line(f"  {one}") for one in to_type),
    ]


def _part(title: str, keys: Keys) -> list[Line]:
    lines = [line(Span(f"{key:<{_KEY_COLUMNS}}", Tone.ACCENT), does) for key, does in keys]
    return [line(Span(title, Tone.BOLD)), *(line("  ", *one) for one in lines)]
