"""What is free on each node while a plan is made: the only mutable thing in planning, private to one plan."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from scheduler.policies.protocols import Offer
from scheduler.snapshot import Active, Node
from tovi_server.core.ids import JobId
from tovi_server.core.resources import Resources


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept on one node for the first entry of the order that found no room."""

    job: JobId
    node: str
    request: Resources


class Ledger:
    """Nodes by name with what running and just placed tasks leave of them."""

    def __init__(self, nodes: Iterable[Node], active: Iterable[Active]) -> None:
        self._holders: defaultdict[str, list[Active]] = defaultdict(list)
        for attempt in active:
            self._holders[attempt.node].append(attempt)
        ordered = sorted(nodes, key=lambda node: node.name)
        self._offers = {node.name: _offer(node, self._holders[node.name]) for node in ordered}
        self._gpus = {node.name: _free_gpus(node, self._holders[node.name]) for node in ordered}
        self._kept: Kept | None = None
        self.changes: list[str] = []
        """Of which node something was taken, or is kept from now on, one after the other."""

    @property
    def kept(self) -> Kept | None:
        """None while everybody found room."""
        return self._kept

    def keep(self, kept: Kept) -> None:
        """From now on those behind leave this much on that node."""
        self._kept = kept
        self.changes.append(kept.node)

    def offers(self) -> tuple[Offer, ...]:
        """Every node with what is free on it now, by name."""
        return tuple(self._offers.values())

    def names(self) -> Iterable[str]:
        return self._offers

    def open_offer(self, name: str) -> Offer:
        """What is free on a node, less what is kept."""
        offer = self._offers[name]
        return offer if self._kept is None else _less(offer, self._kept)

    def room_at_s(self, node: str, request: Resources) -> float:
        """The time by which so much of what runs on the node has reached its limit that there is room.

        Infinite when it takes more than that, such as the end of what was just placed.
        """
        free = self._offers[node].free
        for attempt in sorted(self._holders[node], key=_limit_at_s):
            free += attempt.request
            if request.fits(free):
                return _limit_at_s(attempt)
        return math.inf

    def take(self, node: str, request: Resources) -> tuple[int, ...]:
        """Take the request from the node, and say which of its GPUs those are."""
        offer = self._offers[node]
        slots = None if offer.slots is None else offer.slots - 1
        self._offers[node] = replace(offer, free=offer.free - request, slots=slots)
        self.changes.append(node)
        gpus = self._gpus[node]
        taken, self._gpus[node] = gpus[: request.gpus], gpus[request.gpus :]
        assert len(taken) == request.gpus, "no filter may admit more than is free"
        return taken


def _limit_at_s(attempt: Active) -> float:
    return (attempt.started_at or attempt.dispatched_at).timestamp() + attempt.timeout.total_seconds()


def _offer(node: Node, holders: Sequence[Active]) -> Offer:
    slots = None if node.slots is None else max(0, node.slots - len(holders))
    return Offer(node, _free(node, holders), slots)


def _free(node: Node, holders: Iterable[Active]) -> Resources:
    free = node.capacity - node.foreign
    for attempt in holders:
        free -= attempt.request
    return replace(free.not_below_zero(), gpus=len(_free_gpus(node, holders)))


def _free_gpus(node: Node, holders: Iterable[Active]) -> tuple[int, ...]:
    """Those that others took have no numbers here: any of them are as good as gone."""
    taken = {gpu for attempt in holders for gpu in attempt.gpu_ids}
    free = tuple(gpu for gpu in range(node.capacity.gpus) if gpu not in taken)
    return free[: max(0, len(free) - node.foreign.gpus)]


def _less(offer: Offer, kept: Kept) -> Offer:
    if offer.node.name != kept.node:
        return offer
    return replace(offer, free=(offer.free - kept.request).not_below_zero())
