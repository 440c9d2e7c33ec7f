"""Repeated measurements of one thing: the middle, and how far they lie apart."""

from __future__ import annotations

import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Spread:
    """The median, and between what the middle half of `count` measurements lies."""

    median: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Of at least one."""
        ordered = sorted(values)
        low, _, high = statistics.quantiles(ordered, n=4, method="inclusive") if len(ordered) > 1 else ordered * 3
        return cls(statistics.median(ordered), low, high, len(ordered))

    def text(self, unit: str) -> str:
        """For people: `31.2 ms (29.9 to 35.0)`."""
        middle = f"{_short(self.median)} {unit}"
        return middle if self.count == 1 else f"{middle} ({_short(self.low)} to {_short(self.high)})"


def _short(value: float) -> str:
    """Three digits that say something, without powers of ten."""
    size = abs(value)
    decimals = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 0.1 or size == 0 else 4
    return f"{value:,.{decimals}f}"
