"""Filters: which nodes may serve a request now."""

from __future__ import annotations

from scheduler.policies.protocols import Offer
from tovi_server.core.resources import Resources


class Capacity:
    """Nodes that take new tasks and have all that is asked free."""

    def admits(self, request: Resources, offer: Offer) -> bool:
        return offer.node.ready and offer.slots != 0 and request.fits(offer.free)
