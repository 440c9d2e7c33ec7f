"""What was searched for, marked in a line."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tovi_tui.text.span import Line, Span, Tone


def marked(spans: Line, wanted: str) -> Line:
    """The line with each place that says `wanted`, in small or capital letters, in the tone of a match."""
    if not wanted:
        return spans
    return tuple(piece for span in spans for piece in _pieces(span, wanted.lower()))


def _pieces(span: Span, wanted: str) -> Iterator[Span]:
    text, at = span.text, 0
    lowered = text.lower()
    if len(lowered) != len(text):  # a few letters are two when they are small
        lowered = text
    while (found := lowered.find(wanted, at)) >= 0:
        if found > at:
            yield replace(span, text=text[at:found])
        yield replace(span, text=text[found : found + len(wanted)], tone=Tone.MATCH)
        at = found + len(wanted)
    if at < len(text):
        yield replace(span, text=text[at:])
