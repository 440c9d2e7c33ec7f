"""Places where a text was found: going from one to the next, and to the nearest."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence


def nearest(places: Sequence[int], origin: int) -> int | None:
    """The first place from `origin` on, else the last one before it; None of none. Places are in order."""
    if not places:
        return None
    return places[min(bisect_left(places, origin), len(places) - 1)]


def beside(places: Sequence[int], place: int, by: int) -> int | None:
    """The place after (1) or before (-1) another, round about; None of none."""
    if not places:
        return None
    index = bisect_right(places, place) if by > 0 else bisect_left(places, place) - 1
    return places[index % len(places)]


def number(places: Sequence[int], place: int) -> int:
    """Which it is, from 1 on."""
    return bisect_left(places, place) + 1
