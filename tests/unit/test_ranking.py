"""The best node for a request, kept up with while room is taken, is what a look at all nodes would find."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from scheduler.nodes import Kept, Ledger
from scheduler.policies.default import DEFAULT
from scheduler.policies.protocols import Offer
from scheduler.ranking import Ranking
from scheduler.snapshot import Node
from tests.unit.test_plan_properties import amounts, machines
from tovi_server.core.ids import JobId
from tovi_server.core.resources import Resources


def looked_up(ledger: Ledger, request: Resources) -> Offer | None:
    offers = [ledger.open_offer(name) for name in sorted(ledger.names())]
    allowed = [offer for offer in offers if all(one.admits(request, offer) for one in DEFAULT.filters)]
    return max(allowed, key=lambda offer: DEFAULT.score.score(request, offer), default=None)


@given(
    some.lists(some.tuples(machines, some.booleans(), some.sampled_from([None, 1, 3])), max_size=6),
    some.lists(amounts, min_size=1, max_size=3),
    some.lists(some.tuples(some.integers(0, 2), some.sampled_from(["place", "place", "place", "keep"])), max_size=20),
)
def test_the_best_is_always_the_best_of_all(
    nodes: list[tuple[Resources, bool, int | None]], requests: list[Resources], steps: list[tuple[int, str]]
) -> None:
    ledger = Ledger([Node(f"n{at}", *one[:2], slots=one[2]) for at, one in enumerate(nodes)], ())
    rankings = [Ranking(request, ledger, DEFAULT) for request in requests]
    for which, step in steps:
        request, ranking = requests[which % len(requests)], rankings[which % len(requests)]
        best = ranking.best()
        assert best == looked_up(ledger, request)
        if best is not None and step == "keep" and ledger.kept is None:
            ledger.keep(Kept(JobId(1), best.node.name, request))
        elif best is not None:
            ledger.take(best.node.name, request)
