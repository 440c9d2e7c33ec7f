"""Lines of spans on the screen: each tone has the colour that the theme gives it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

from rich.color import Color
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from tovi_server.core import cells
from tovi_server.core.safe import safe_line
from tovi_tui.text.span import Colour, Ink, Line, Tone

TONE_CLASSES: Final = frozenset(f"tone--{tone}" for tone in Tone)
"""COMPONENT_CLASSES of a widget that shows tones; `theme.tcss` gives them their colours."""

StyleOf = Callable[..., Style]
"""`get_component_rich_style` of the widget."""


def strip_of(spans: Line, columns: int, style_of: StyleOf, *, base: Style) -> Strip:
    """The line as a strip exactly `columns` wide. The last border: whatever text is shown here is harmless."""
    segments, used = [], 0
    for span in spans:
        text = cells.cut(safe_line(span.text), columns - used)
        used += cells.width(text)
        style = base if span.ink is None else base + _style(span.ink)
        if span.tone is not Tone.PLAIN:
            style += style_of(f"tone--{span.tone}", partial=True)
        segments.append(Segment(text, style))
    return Strip([*segments, Segment(" " * (columns - used), base)], columns).simplify()


@lru_cache(maxsize=1024)
def _style(ink: Ink) -> Style:
    return Style(
        color=_colour(ink.foreground),
        bgcolor=_colour(ink.background),
        bold=ink.bold or None,
        dim=ink.dim or None,
        italic=ink.italic or None,
        underline=ink.underline or None,
        reverse=ink.reverse or None,
    )


def _colour(colour: Colour | None) -> Color | None:
    if colour is None:
        return None
    return Color.from_ansi(colour) if isinstance(colour, int) else Color.from_rgb(*colour)
