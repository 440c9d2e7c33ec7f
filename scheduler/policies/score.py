"""Scores: which of several fitting nodes is best."""

from __future__ import annotations

from scheduler.policies.protocols import Offer
from tovi_server.core.resources import Resources


class Binpack:
    """The fullest node after placing, so that large holes stay for large tasks."""

    def score(self, request: Resources, offer: Offer) -> float:
        capacity, left = offer.node.capacity, offer.free - request
        shares = [
            (left.cpu_millicores, capacity.cpu_millicores),
            (left.memory_bytes, capacity.memory_bytes),
            (left.gpus, capacity.gpus),
        ]
        return -sum(free / whole for free, whole in shares if whole)
