"""Pieces of a line, each with a tone: what it means, which a theme gives a colour."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from tovi_server.core import cells


class Tone(StrEnum):
    """What a piece means to the eye. Nothing is told by its tone alone: without colours the words say it too."""

    PLAIN = "plain"
    DIM = "dim"
    """What rarely matters."""
    BOLD = "bold"
    ACCENT = "accent"
    """Where one is: the cursor's mark, the screen that is open."""
    GOOD = "good"
    BAD = "bad"
    BUSY = "busy"
    WAIT = "wait"
    MATCH = "match"
    """What was searched for."""


Colour = int | tuple[int, int, int]
"""One of the 256 of a terminal, or red, green and blue."""


@dataclass(frozen=True, slots=True)
class Ink:
    """How a program wanted its own text to look."""

    foreground: Colour | None = None
    background: Colour | None = None
    bold: bool = False
    dim: bool = False
    italic: bool = False
    underline: bool = False
    reverse: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line: no line breaks."""

    text: str
    tone: Tone = Tone.PLAIN
    ink: Ink | None = None
    """Beside the tone."""


Line = tuple[Span, ...]


def line(*pieces: Span | str) -> Line:
    """A line of spans; plain words may be given as they are."""
    return tuple(piece if isinstance(piece, Span) else Span(piece) for piece in pieces)


def width(spans: Line) -> int:
    """Columns of a terminal that the line takes."""
    return sum(cells.width(span.text) for span in spans)


def changed_columns(before: Line, after: Line) -> range:
    """Where two lines look different; all from there on when what follows has moved."""
    both = tuple(zip(before, after, strict=False))
    same = next((at for at, (old, new) in enumerate(both) if old != new), len(both))
    old, new = before[same:], after[same:]
    first = width(before[:same])
    if width(old) != width(new):
        return range(first, first + max(width(old), width(new)))
    while old and new and old[-1] == new[-1]:
        old, new = old[:-1], new[:-1]
    return range(first, first + width(new))


def cut(spans: Line, columns: int) -> Line:
    """The line in at most `columns`, ending in `…` where something was left out."""
    if width(spans) <= columns:
        return spans
    kept: list[Span] = []
    for span in spans:
        room = columns - 1 - width(tuple(kept))
        if cells.width(span.text) > room:
            break
        kept.append(span)
    return (*kept, replace(span, text=cells.head(span.text, room) + cells.CUT)) if columns > 0 else ()
