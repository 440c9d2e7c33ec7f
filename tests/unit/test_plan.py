"""What starts where, and why the rest waits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from scheduler.nodes import Ledger
from scheduler.plan import Plan, candidates, plan
from scheduler.policies.default import DEFAULT
from scheduler.policies.protocols import Offer, Policies
from scheduler.snapshot import Active, Node, Snapshot, StageQueue
from tests.fakes_scheduler import NOW, ONE_CPU, an_active, an_entry
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import WaitReason
from tovi_server.core.resources import GIB, Resources


def cpus(number: int) -> Resources:
    return Resources(cpu_millicores=number * 1000, memory_bytes=GIB)


def gpus(number: int) -> Resources:
    return Resources(cpu_millicores=1000, memory_bytes=GIB, gpus=number)


def node(name: str = "node-1", *, cpu: int = 4, gpu: int = 0, ready: bool = True) -> Node:
    return Node(name, Resources(cpu_millicores=cpu * 1000, memory_bytes=64 * GIB, gpus=gpu), ready)


def planned(
    queues: Sequence[StageQueue],
    *,
    nodes: Sequence[Node] = (node(),),
    active: Sequence[Active] = (),
    policies: Policies = DEFAULT,
) -> Plan:
    return plan(Snapshot(tuple(nodes), tuple(queues), tuple(active)), policies)


def starts(made: Plan) -> list[tuple[str, str]]:
    return [(str(one.task), one.node) for one in made.placements]


def waits(made: Plan, job: int) -> WaitReason | None:
    reason = made.reasons.get((JobId(job), "main"))
    return None if reason is None else WaitReason(reason.code)


def test_what_others_took_of_a_node_is_not_placed_on() -> None:
    shared = replace(node(), foreign=Resources(cpu_millicores=2500))
    assert starts(planned([an_entry(indices=(0, 1))], nodes=[shared])) == [("1.main.0", "node-1")]


def test_gpus_that_others_took_are_not_given_again() -> None:
    shared = replace(node(cpu=64, gpu=4), foreign=Resources(gpus=2))
    made = planned([an_entry(request=gpus(1), indices=(0, 1, 2))], nodes=[shared], active=[an_active(5, gpu_ids=(0,))])
    assert [one.gpu_ids for one in made.placements] == [(1,)]


def test_a_node_takes_no_more_tasks_than_it_has_slots() -> None:
    small = replace(node(cpu=64), slots=2)
    made = planned([an_entry(indices=(0, 1, 2))], nodes=[small], active=[an_active(5)])
    assert starts(made) == [("1.main.0", "node-1")]
    assert "runs as many tasks as it takes at once" in made.reasons[JobId(1), "main"].message


def test_an_empty_queue_gives_an_empty_plan() -> None:
    assert planned([]) == Plan((), {})


def test_tasks_are_placed_until_the_room_is_used_up() -> None:
    made = planned([an_entry(indices=(0, 2, 5, 7, 9))])
    assert starts(made) == [(f"1.main.{index}", "node-1") for index in (0, 2, 5, 7)]
    assert waits(made, 1) is WaitReason.RESOURCES


def test_what_runs_takes_room() -> None:
    running = [an_active(9, index) for index in range(3)]
    assert starts(planned([an_entry(indices=(0, 1))], active=running)) == [("1.main.0", "node-1")]


def test_what_runs_on_a_machine_that_is_gone_takes_no_room() -> None:
    assert len(starts(planned([an_entry()], active=[an_active(9, node="gone", request=cpus(4))]))) == 1


def test_better_places_in_the_order_are_served_first() -> None:
    made = planned(
        [
            an_entry(1, request=cpus(4), submitted_at=NOW + timedelta(seconds=1)),
            an_entry(2, request=cpus(4)),
            an_entry(3, request=cpus(4), priority=1, submitted_at=NOW + timedelta(seconds=2)),
        ],
        nodes=[node("node-1"), node("node-2")],
    )
    assert starts(made) == [("3.main.0", "node-1"), ("2.main.0", "node-2")]


def test_tasks_without_rows_come_after_those_with_rows_less_those_taken() -> None:
    entry = an_entry(indices=(1, 8), rest_from=5, rest_until=100_000, taken=frozenset({5, 8}))
    found = candidates(entry)
    assert [next(found) for _ in range(5)] == [1, 8, 6, 7, 9]


def test_an_entry_without_rest_has_only_its_rows() -> None:
    assert list(candidates(an_entry(indices=(3,), rest_from=7, rest_until=7))) == [3]


def test_a_stage_never_exceeds_its_limit() -> None:
    made = planned([an_entry(indices=(0, 1, 2, 3), active=1, max_concurrent=3)])
    assert len(made.placements) == 2
    assert made.reasons[JobId(1), "main"].data == {"running": 3, "max_concurrent": 3}


def test_a_stage_at_its_limit_keeps_no_room_from_others() -> None:
    made = planned([an_entry(1, active=2, max_concurrent=2, request=cpus(4)), an_entry(2)])
    assert starts(made) == [("2.main.0", "node-1")]


def test_what_is_held_is_not_placed_and_keeps_no_room() -> None:
    made = planned([an_entry(1, held=True, request=cpus(4)), an_entry(2)])
    assert starts(made) == [("2.main.0", "node-1")]
    assert waits(made, 1) is WaitReason.HELD


def test_a_stage_whose_queued_tasks_are_each_held_says_so() -> None:
    assert waits(planned([an_entry(indices=())]), 1) is WaitReason.HELD


def test_what_was_placed_wholly_has_no_reason() -> None:
    assert planned([an_entry()]).reasons == {}


def test_the_first_that_finds_no_room_has_it_kept() -> None:
    made = planned(
        [an_entry(1, request=cpus(4)), an_entry(2)],
        active=[an_active(9)],
    )
    assert starts(made) == []
    assert waits(made, 1) is WaitReason.RESOURCES
    assert waits(made, 2) is WaitReason.BEHIND
    assert made.reasons[JobId(2), "main"].data["ahead"] == 1


def test_what_is_behind_may_use_other_machines() -> None:
    made = planned(
        [an_entry(1, request=cpus(8)), an_entry(2)],
        nodes=[node("big", cpu=8), node("small", cpu=2)],
        active=[an_active(9, node="big")],
    )
    assert starts(made) == [("2.main.0", "small")]


def test_what_is_behind_may_use_what_the_first_does_not_need() -> None:
    busy = an_active(9, request=gpus(1), gpu_ids=(0,))
    made = planned(
        [an_entry(1, request=gpus(1)), an_entry(2, indices=(0, 1, 2, 3))], nodes=[node(gpu=1)], active=[busy]
    )
    assert [task for task, _ in starts(made)] == ["2.main.0", "2.main.1"]
    assert waits(made, 2) is WaitReason.BEHIND


def test_only_the_first_has_room_kept() -> None:
    made = planned(
        [an_entry(1, request=cpus(8)), an_entry(2, request=cpus(4)), an_entry(3, request=cpus(2))],
        nodes=[node("big", cpu=8), node("other", cpu=4)],
        active=[an_active(8, node="big"), an_active(9, node="other")],
    )
    assert starts(made) == [("3.main.0", "other")]


def test_what_fits_no_machine_keeps_no_room() -> None:
    made = planned([an_entry(1, request=cpus(400)), an_entry(2)])
    assert starts(made) == [("2.main.0", "node-1")]


def test_room_is_kept_where_it_will_be_first() -> None:
    made = planned(
        [an_entry(1, request=cpus(4)), an_entry(2, request=cpus(3))],
        nodes=[node("node-1"), node("node-2")],
        active=[an_active(8, node="node-1", request=cpus(3)), an_active(9, node="node-2", request=cpus(1))],
    )
    assert made.reasons[JobId(2), "main"].data["node"] == "node-2"


def test_room_is_kept_where_time_limits_promise_it_first_not_where_most_is_free_now() -> None:
    soon = an_active(8, node="node-1", request=cpus(3), timeout=timedelta(minutes=5))
    late = an_active(9, node="node-2", request=cpus(1), timeout=timedelta(hours=5))
    made = planned(
        [an_entry(1, request=cpus(4)), an_entry(2, indices=(0, 1, 2, 3))],
        nodes=[node("node-1"), node("node-2")],
        active=[soon, late],
    )
    assert made.reasons[JobId(1), "main"].data["kept_on"] == "node-1"
    assert "it is first in line, and the next room on node-1 is kept for it" in made.reasons[JobId(1), "main"].message
    assert starts(made) == [(f"2.main.{index}", "node-2") for index in range(3)]


def test_a_limit_counts_from_the_start_or_from_the_dispatch_until_it_started() -> None:
    started = an_active(8, started_at=NOW + timedelta(minutes=2), timeout=timedelta(minutes=10))
    starting = an_active(9, dispatched_at=NOW, timeout=timedelta(minutes=11))
    ledger = Ledger([node(cpu=2)], [started, starting])
    times = [ledger.room_at_s("node-1", cpus(number)) - NOW.timestamp() for number in (1, 2, 3)]
    assert times == [11 * 60, 12 * 60, math.inf]


def test_a_machine_that_takes_no_tasks_gets_none() -> None:
    made = planned([an_entry()], nodes=[node(ready=False)])
    assert starts(made) == []
    assert waits(made, 1) is WaitReason.NO_NODES


def test_gpus_are_handed_out_by_number_and_never_twice() -> None:
    busy = an_active(9, request=gpus(2), gpu_ids=(0, 2))
    made = planned([an_entry(request=gpus(1), indices=(0, 1, 2))], nodes=[node(gpu=4)], active=[busy])
    assert [one.gpu_ids for one in made.placements] == [(1,), (3,)]


def test_a_gpu_in_use_is_not_free_whatever_was_asked_for() -> None:
    """A machine came back with fewer GPUs than its tasks hold."""
    busy = an_active(9, request=gpus(2), gpu_ids=(0, 3))
    made = planned([an_entry(request=gpus(1), indices=(0, 1)), an_entry(2)], nodes=[node(gpu=2)], active=[busy])
    assert [(str(one.task), one.gpu_ids) for one in made.placements] == [("1.main.0", (1,)), ("2.main.0", ())]


def test_a_machine_that_became_smaller_serves_those_who_ask_for_none_of_what_it_lacks() -> None:
    ledger = Ledger([node()], [an_active(9, request=replace(ONE_CPU, disk_bytes=GIB))])
    assert ledger.offers()[0].free.disk_bytes == 0


class Spread:
    def score(self, request: Resources, offer: Offer) -> float:
        return offer.free.cpu_millicores


class NotOnOne:
    def admits(self, request: Resources, offer: Offer) -> bool:
        return offer.node.name != "node-1"


class NoLargeOnOne:
    def admits(self, request: Resources, offer: Offer) -> bool:
        return offer.node.name != "node-1" or request.cpu_millicores < 4000


def test_the_score_decides_among_machines_with_room() -> None:
    nodes = [node("node-1"), node("node-2")]
    entry = an_entry(indices=(0, 1))
    assert [name for _, name in starts(planned([entry], nodes=nodes))] == ["node-1", "node-1"]
    spread = replace(DEFAULT, score=Spread())
    assert [name for _, name in starts(planned([entry], nodes=nodes, policies=spread))] == ["node-1", "node-2"]


def test_every_filter_must_admit() -> None:
    policies = replace(DEFAULT, filters=(*DEFAULT.filters, NotOnOne()))
    nodes = [node("node-1"), node("node-2", cpu=1)]
    made = planned([an_entry(indices=(0, 1))], nodes=nodes, policies=policies)
    assert starts(made) == [("1.main.0", "node-2")]


def test_no_room_is_kept_where_a_policy_would_never_let_it_go() -> None:
    policies = replace(DEFAULT, filters=(*DEFAULT.filters, NoLargeOnOne()))
    nodes = [node("node-1", cpu=8), node("node-2", cpu=8)]
    active = [an_active(8, node="node-1"), an_active(9, node="node-2", request=cpus(2))]
    made = planned([an_entry(1, request=cpus(8)), an_entry(2)], nodes=nodes, active=active, policies=policies)
    assert starts(made) == [("2.main.0", "node-1")]


def test_a_refusal_by_policy_is_told_as_one() -> None:
    policies = replace(DEFAULT, filters=(*DEFAULT.filters, NotOnOne()))
    assert "a policy refuses it" in planned([an_entry()], policies=policies).reasons[JobId(1), "main"].message


def test_an_array_is_walked_no_further_than_it_is_placed() -> None:
    """Indices are asked for one by one: a stage of a million tasks costs as much as one of ten."""
    taken = _Counting()
    planned([an_entry(indices=(), rest_from=0, rest_until=1_000_000, taken=taken)])
    assert taken.asked <= 5


class _Counting(frozenset[int]):
    asked = 0

    def __contains__(self, index: object) -> bool:
        self.asked += 1
        return False


class _CountingFilter:
    def __init__(self) -> None:
        self.asked = 0

    def admits(self, request: Resources, offer: Offer) -> bool:
        self.asked += 1
        return request.fits(offer.free)


def test_what_asks_for_the_same_is_refused_once() -> None:
    """Ten thousand jobs in wait of the same few requests cost a few looks at the machines."""
    counting = _CountingFilter()
    queues = [an_entry(job, request=cpus(4 + job % 3)) for job in range(1, 1001)]
    made = planned(
        queues, nodes=[node(cpu=8)], active=[an_active(request=cpus(8))], policies=replace(DEFAULT, filters=(counting,))
    )
    assert len(made.reasons) == 1000
    assert counting.asked <= 12


def test_a_refusal_is_worked_out_again_once_something_was_taken() -> None:
    """Its numbers are those of the moment the entry was looked at."""
    made = planned(
        [
            an_entry(1, request=cpus(8)),
            an_entry(2, request=cpus(4)),
            an_entry(3, request=cpus(1)),
            an_entry(4, request=cpus(4)),
        ],
        nodes=[node("a", cpu=8), node("b", cpu=4)],
        active=[an_active(8, node="a", request=cpus(6)), an_active(9, node="b")],
    )
    assert starts(made) == [("3.main.0", "b")]
    free = [made.reasons[JobId(job), "main"].data["free_cpu_millicores"] for job in (2, 4)]
    assert free == [3000, 2000]


@pytest.mark.parametrize("backwards", [False, True])
def test_the_order_in_which_the_picture_is_given_does_not_matter(backwards: bool) -> None:
    queues = [an_entry(job, request=cpus(1 + job % 3)) for job in range(1, 6)]
    nodes = [node("node-1"), node("node-2")]
    step = -1 if backwards else 1
    assert planned(queues[::step], nodes=nodes[::step]) == planned(queues, nodes=nodes)
