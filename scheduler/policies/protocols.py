"""The three questions a policy can answer. All are pure: the same picture gives the same answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from scheduler.snapshot import Node, StageQueue
from tovi_server.core.resources import Resources


@dataclass(frozen=True, slots=True)
class Offer:
    """A node and what is still free on it."""

    node: Node
    free: Resources
    slots: int | None = None
    """How many more tasks it takes; None: as many as there is room for."""

    def when_empty(self) -> Offer:
        """The same node with nothing on it."""
        return Offer(self.node, self.node.capacity, self.node.slots)


@runtime_checkable
class Order(Protocol):
    """Who goes first."""

    def key(self, entry: StageQueue) -> tuple[float, ...]:
        """Smaller goes first; entries with equal keys go by job and stage."""
        ...


@runtime_checkable
class Filter(Protocol):
    """Which nodes may serve a request now."""

    def admits(self, request: Resources, offer: Offer) -> bool: ...


@runtime_checkable
class Score(Protocol):
    """Which of the admitted nodes is best."""

    def score(self, request: Resources, offer: Offer) -> float:
        """Larger is better; of equals the first by name is taken."""
        ...


@dataclass(frozen=True, slots=True)
class Policies:
    """One choice for each question; every filter must admit."""

    order: Order
    filters: tuple[Filter, ...]
    score: Score
