"""Texts of people as words of a shell line."""

from __future__ import annotations


def quote(text: str) -> str:
    """The text as one word of a shell line, byte for byte."""
    return "'" + text.replace("'", "'\\''") + "'"
