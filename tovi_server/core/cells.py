"""How wide a text is on a terminal, and how to cut it. Texts are safe lines already."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

CUT = "…"


def width(text: str) -> int:
    """Columns that the text takes: East-Asian wide characters two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_width(character) for character in text)


def cut(text: str, columns: int) -> str:
    """The text in at most `columns`, ending in `…` where something was left out."""
    if width(text) <= columns:
        return text
    return head(text, columns - 1) + CUT if columns > 0 else ""


def head(text: str, columns: int) -> str:
    """As much of the text as fits into `columns`."""
    used = 0
    for at, character in enumerate(text):
        used += _width(character)
        if used > columns:
            return text[:at]
    return text


@lru_cache(maxsize=4096)
def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
