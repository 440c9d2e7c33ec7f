"""What to start where, and why the rest waits: pure, the same for the live loop and for every answer.

The queue is walked in the order of the policy. The first entry that finds no room has its request kept free on
the node that will have room first when all that runs uses up its time: what is behind it may use what is left
there and all the other nodes, never that. So nothing starves, and small tasks still fill the rest of the cluster.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scheduler import explain
from scheduler.nodes import Kept, Ledger
from scheduler.policies.protocols import Offer, Policies
from scheduler.ranking import Ranking
from scheduler.snapshot import Placement, Snapshot, StageQueue
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.reasons import Reason
from tovi_server.core.resources import Resources

StageKey = tuple[JobId, str]


@dataclass(frozen=True, slots=True)
class Plan:
    """Decisions, best first, and for each stage with tasks left queued the reason they are."""

    placements: tuple[Placement, ...]
    reasons: Mapping[StageKey, Reason]


def plan(snapshot: Snapshot, policies: Policies) -> Plan:
    """Decide on one picture. The same picture and policies give the same plan."""
    room = _Room(Ledger(snapshot.nodes, snapshot.active), policies)
    placements: list[Placement] = []
    reasons: dict[StageKey, Reason] = {}
    for entry in in_order(snapshot.queues, policies):
        reason = _place(entry, room, placements)
        if reason is not None:
            reasons[entry.job, entry.stage] = reason
    return Plan(tuple(placements), reasons)


def in_order(queues: tuple[StageQueue, ...], policies: Policies) -> list[StageQueue]:
    """Who goes first."""
    return sorted(queues, key=lambda entry: (policies.order.key(entry), entry.job, entry.stage))


def candidates(entry: StageQueue) -> Iterator[int]:
    """The indices of an entry's queued tasks, in order, without making a list of them."""
    yield from entry.indices
    for index in range(entry.rest_from, entry.rest_until):
        if index not in entry.taken:
            yield index


class _Room:
    """Finds nodes. What does not fit is worked out once for all that ask for the same, until something is taken."""

    def __init__(self, ledger: Ledger, policies: Policies) -> None:
        self._ledger = ledger
        self._policies = policies
        self._refused: dict[Resources, Reason] = {}
        self._rankings: dict[Resources, Ranking] = {}

    def take(self, task: TaskId, request: Resources) -> Placement | Reason:
        """The best node for the task, or why there is none. The first that finds none has its room kept."""
        known = self._refused.get(request)
        if known is not None:
            return known
        best = self._ranking(request).best()
        if best is None:
            return self._refuse(task, request)
        self._refused.clear()
        return Placement(task, best.node.name, self._ledger.take(best.node.name, request))

    def _ranking(self, request: Resources) -> Ranking:
        known = self._rankings.get(request)
        if known is None:
            known = self._rankings[request] = Ranking(request, self._ledger, self._policies)
        return known

    def _admitted(self, request: Resources, offers: tuple[Offer, ...]) -> list[Offer]:
        return [offer for offer in offers if all(one.admits(request, offer) for one in self._policies.filters)]

    def _refuse(self, task: TaskId, request: Resources) -> Reason:
        offers, kept = self._ledger.offers(), self._ledger.kept
        if kept is not None and self._admitted(request, offers):
            reason = explain.behind(kept, request)
        else:
            reason = explain.lack_of_room(request, offers)
        self._refused[request] = reason
        first = None if kept is not None else self._first_to_fit(request, offers)
        if first is None:
            return reason
        self._ledger.keep(Kept(task.job, first, request))
        return explain.kept_for(reason, first)

    def _first_to_fit(self, request: Resources, offers: tuple[Offer, ...]) -> str | None:
        """Of the nodes that would be admitted when they are empty the one that has room first; None: there is none.

        By time limits, not by what is free: else small tasks that come and go elsewhere could move what is kept
        from node to node, and put it off each time.
        """
        able = [offer for offer in offers if self._admitted(request, (offer.when_empty(),))]
        return min(
            (offer.node.name for offer in sorted(able, key=lambda offer: explain.distance(request, offer))),
            key=lambda name: self._ledger.room_at_s(name, request),
            default=None,
        )


def _place(entry: StageQueue, room: _Room, placements: list[Placement]) -> Reason | None:
    """Place as many tasks of one stage as there is room for; why the rest waits, None when nothing is left."""
    if entry.held:
        return explain.held(entry)
    running = entry.active
    for index in candidates(entry):
        if entry.max_concurrent is not None and running >= entry.max_concurrent:
            return explain.at_its_limit(entry, running)
        found = room.take(TaskId(entry.job, entry.stage, index), entry.request)
        if isinstance(found, Reason):
            return found
        placements.append(found)
        running += 1
    return explain.tasks_held(entry) if running == entry.active else None
