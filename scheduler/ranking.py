"""Nodes for one request, best first, kept so while a plan is made: only nodes that changed are looked at again."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from scheduler.nodes import Ledger
from scheduler.policies.protocols import Offer, Policies
from tovi_server.core.resources import Resources


class Ranking:
    """Gives what a look at all nodes would give each time."""

    def __init__(self, request: Resources, ledger: Ledger, policies: Policies) -> None:
        self._request = request
        self._ledger = ledger
        self._policies = policies
        self._seen = len(ledger.changes)
        self._ranks: list[tuple[float, str]] = []
        self._rank_of: dict[str, tuple[float, str]] = {}
        self._put(ledger.names())

    def best(self) -> Offer | None:
        """The best admitted node, of equals the first by name; None: none is admitted."""
        self._put(set(self._ledger.changes[self._seen :]))
        self._seen = len(self._ledger.changes)
        while self._ranks:
            rank = self._ranks[0]
            if self._rank_of.get(rank[1]) is rank:
                return self._ledger.open_offer(rank[1])
            heapq.heappop(self._ranks)
        return None

    def _put(self, names: Iterable[str]) -> None:
        for name in names:
            offer = self._ledger.open_offer(name)
            self._rank_of.pop(name, None)
            if all(one.admits(self._request, offer) for one in self._policies.filters):
                rank = self._rank_of[name] = (-self._policies.score.score(self._request, offer), name)
                heapq.heappush(self._ranks, rank)
