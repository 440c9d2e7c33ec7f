"""Colours that a program gave its lines: SGR sequences (ECMA-48, 8.3.117) become ink, nothing else has any effect.

Guarantee: the text of the spans has no control character, whatever was in the line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tovi_server.core.safe import safe_line
from tovi_tui.text.span import Colour, Ink, Line, Span

PLAIN: Final = Ink()
_SGR: Final = re.compile("\x1b\\[([0-9;]{0,64})m")
_MOST_PARAMETERS: Final = 16
_TAB: Final = 8

_FLAGS: Final = {
    1: {"bold": True},
    2: {"dim": True},
    3: {"italic": True},
    4: {"underline": True},
    7: {"reverse": True},
    22: {"bold": False, "dim": False},
    23: {"italic": False},
    24: {"underline": False},
    27: {"reverse": False},
}


def inked(text: str, ink: Ink) -> tuple[Line, Ink]:
    """One line in spans, and the ink that the next one begins with. What is no SGR is seen as text."""
    spans: list[Span] = []
    at = column = 0
    for found in _SGR.finditer(text):
        if piece := _seen(text[at : found.start()], column):
            spans.append(Span(piece, ink=ink))
            column += len(piece)
        ink, at = _applied(ink, found[1]), found.end()
    if piece := _seen(text[at:], column):
        spans.append(Span(piece, ink=ink))
    return tuple(spans), ink


def _seen(text: str, column: int) -> str:
    """As it is shown from a column on: tabs are spaces up to the next stop, controls are escapes."""
    before = column % _TAB
    return safe_line((" " * before + text).expandtabs(_TAB)[before:] if "\t" in text else text)


def _applied(ink: Ink, parameters: str) -> Ink:
    numbers = iter([int(one or 0) for one in parameters.split(";")[:_MOST_PARAMETERS]])
    for number in numbers:
        ink = _one(ink, number, numbers)
    return ink


def _one(ink: Ink, number: int, rest: Iterator[int]) -> Ink:
    if number == 0:
        return PLAIN
    if number in _FLAGS:
        return replace(ink, **_FLAGS[number])
    if number in {38, 39} or 30 <= number <= 37 or 90 <= number <= 97:
        return replace(ink, foreground=_colour(number, 30, rest))
    if number in {48, 49} or 40 <= number <= 47 or 100 <= number <= 107:
        return replace(ink, background=_colour(number, 40, rest))
    return ink


def _colour(number: int, first: int, rest: Iterator[int]) -> Colour | None:
    """Of 30 to 39 or 90 to 97, or the same from 40 on; None: the usual one."""
    if number == first + 8:
        return _chosen(rest)
    if number == first + 9:
        return None
    return number - first if number < first + 8 else number - first - 60 + 8


def _chosen(rest: Iterator[int]) -> Colour | None:
    """`5;N`, or `2;R;G;B`."""
    match next(rest, None):
        case 5:
            number = next(rest, 256)
            return number if number < 256 else None
        case 2:
            red, green, blue = (min(next(rest, 0), 255) for _ in range(3))
            return red, green, blue
        case _:
            return None
