"""What a look at a server's surroundings found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How it is."""

    FINE = "fine"
    SHORT = "short"
    """It falls short: something will not work, or is not safe."""
    NOTE = "note"
    """It works, but could be better, or cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    standing: Standing
    what: str
    text: str
    todo: str = ""
    """What to do about it, in one or several lines; empty: nothing."""


def fine(what: str, text: str) -> Finding:
    return Finding(Standing.FINE, what, text)


def short(what: str, text: str, todo: str) -> Finding:
    return Finding(Standing.SHORT, what, text, todo)


def note(what: str, text: str, todo: str = "") -> Finding:
    return Finding(Standing.NOTE, what, text, todo)
