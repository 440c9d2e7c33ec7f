"""Which stages need which: their order, cycles, and what the ends of some mean for those that need them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from heapq import heappop, heappush

from tovi_server.core.job import Counts


class Readiness(StrEnum):
    """What a stage may do, as far as its needs go."""

    READY = "ready"
    """Every stage it needs succeeded."""
    SKIP = "skip"
    """A stage it needs cannot succeed any more."""
    WAIT = "wait"


def verdict(needs: Sequence[Counts]) -> Readiness:
    """What a stage may do, by the tasks of each stage that it needs; ready when it needs none."""
    if any(counts.failed or counts.cancelled or counts.skipped for counts in needs):
        return Readiness.SKIP
    if all(counts.succeeded == counts.total for counts in needs):
        return Readiness.READY
    return Readiness.WAIT


def order(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The stages, each after all it needs, else in the given order.

    What can never come (a cycle, and what needs one) is left out. Every need must be a stage of the mapping.
    """
    names = list(needs)
    unmet = [len(set(needs[name])) for name in names]
    needed_by: dict[str, list[int]] = {name: [] for name in names}
    for place, name in enumerate(names):
        for need in set(needs[name]):
            needed_by[need].append(place)
    ready = [place for place, number in enumerate(unmet) if not number]
    placed: list[str] = []
    while ready:
        placed.append(names[heappop(ready)])
        for place in needed_by[placed[-1]]:
            unmet[place] -= 1
            if not unmet[place]:
                heappush(ready, place)
    return tuple(placed)


def cycle(needs: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """One cycle, each stage needing the next and the last the first; empty when there is none."""
    placed = set(order(needs))
    left = [name for name in needs if name not in placed]
    if not left:
        return ()
    path = {left[0]: None}
    here = left[0]
    while (here := next(need for need in needs[here] if need not in placed)) not in path:
        path[here] = None
    steps = list(path)
    return tuple(steps[steps.index(here) :])
