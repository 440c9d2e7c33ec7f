"""The page of one bench in docs/benchmarks. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.figures import Figure

_HEADS = ("Measure", "Tovi", "Peer", "Ratio", "Gate", "")


@dataclass(frozen=True, slots=True)
class Made:
    """How the figures came about."""

    command: str
    date: str
    versions: Mapping[str, str]
    load: float
    """Of the machine when it began: what else ran."""


def page(title: str, about: str, figures: Sequence[Figure], made: Made) -> str:
    """Markdown."""
    versions = ", ".join(f"{name} {version}" for name, version in made.versions.items())
    return (
        f"# {title}\n\n{about.strip()}\n\n"
        f"{_table(figures)}\n"
        "Medians, and in brackets between what the middle half lies; a ratio is one of medians.\n\n"
        f"Made on {made.date} by `{made.command}`, with {versions}; the load was {made.load:.1f} when it began.\n"
    )


def _table(figures: Sequence[Figure]) -> str:
    rows = [_HEADS, ("---",) * len(_HEADS), *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)
