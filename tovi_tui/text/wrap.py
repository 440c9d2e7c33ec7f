"""Long lines in several, broken between words where that is possible."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tovi_server.core import cells
from tovi_tui.text.span import Line, Span, width

_SPACE: Final = " "
_WORD: Final = re.compile("[^ ]* |[^ ]+")


def wrapped(spans: Line, columns: int) -> Iterator[Line]:
    """The line in pieces of at most `columns`; an empty line is one piece."""
    room, piece = columns, list[Span]()
    for span in spans:
        for word in _words(span.text, columns):
            if cells.width(word.rstrip(_SPACE)) > room and piece:
                yield _fitting(piece, columns)
                room, piece = columns, []
                word = word.lstrip(_SPACE)
            piece.append(replace(span, text=word))
            room -= cells.width(word)
    yield _fitting(piece, columns)


def _fitting(piece: list[Span], columns: int) -> Line:
    """Where the words just fit, the spaces behind them may not."""
    while piece and width(tuple(piece)) > columns:
        last = piece.pop()
        if kept := last.text.rstrip(_SPACE):
            return (*piece, replace(last, text=kept))
    return tuple(piece)


def _words(text: str, columns: int) -> Iterator[str]:
    """Words with the space behind them; one that is too long for a line in pieces."""
    for word in _WORD.findall(text):
        while cells.width(word.rstrip(_SPACE)) > columns:
            head = cells.head(word, columns) or word[0]
            yield head
            word = word[len(head) :]
        yield word
