"""Long lines in several, broken between words where that is possible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tovi_server.core import cells
from tovi_tui.text.span import Line, Span


def wrapped(spans: Line, columns: int) -> Iterator[Line]:
    """The line in pieces of at most `columns`; an empty line is one piece."""
    room, piece = columns, list[Span]()
    for span in spans:
        for word in _words(span.text, columns):
            if cells.width(word.rstrip()) > room and piece:
                yield tuple(piece)
                room, piece = columns, []
                word = word.lstrip()
            piece.append(replace(span, text=word))
            room -= cells.width(word)
    yield tuple(piece)


def _words(text: str, columns: int) -> Iterator[str]:
    """Words with the space behind them; one that is too long for a line in pieces."""
    for word in text.replace(" ", " \0").split("\0"):
        while cells.width(word.rstrip()) > columns:
            head = _head(word, columns)
            yield head
            word = word[len(head) :]
        if word:
            yield word


def _head(word: str, columns: int) -> str:
    """As much of a word as fits: at least one character."""
    at = 1
    while at < len(word) and cells.width(word[: at + 1]) <= columns:
        at += 1
    return word[:at]
