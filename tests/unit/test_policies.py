"""The shipped policies, and how a policy file names policies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from scheduler.policies.filter import Capacity
from scheduler.policies.load import InvalidPolicyError, read_policies
from scheduler.policies.order import PriorityFifo
from scheduler.policies.protocols import Offer
from scheduler.policies.score import Binpack
from scheduler.snapshot import Node, StageQueue
from tests.fakes_scheduler import NODE, NOW, ONE_CPU, an_entry
from tovi_server.core.resources import GIB, Resources

HERE = "tests.unit.test_policies"


class Evens:
    """A filter of somebody's own: nodes with an even number."""

    def admits(self, request: Resources, offer: Offer) -> bool:
        return int(offer.node.name.rpartition("-")[2]) % 2 == 0


class Broken:
    def __init__(self) -> None:
        raise RuntimeError("no licence")


def test_higher_priority_goes_first_then_who_came_first() -> None:
    late, early, urgent = (
        an_entry(1, submitted_at=NOW + timedelta(seconds=1)),
        an_entry(2),
        an_entry(3, submitted_at=NOW + timedelta(hours=1), priority=10),
    )
    ordered: list[StageQueue] = sorted([late, early, urgent], key=PriorityFifo().key)
    assert [entry.job for entry in ordered] == [3, 2, 1]


@pytest.mark.parametrize(
    ("node", "free", "admitted"),
    [
        (NODE, NODE.capacity, True),
        (NODE, ONE_CPU, True),
        (NODE, Resources(cpu_millicores=999, memory_bytes=GIB), False),
        (NODE, Resources(cpu_millicores=1000, memory_bytes=GIB - 1), False),
        (Node("node-1", NODE.capacity, ready=False), NODE.capacity, False),
    ],
)
def test_capacity_admits_ready_nodes_with_all_of_it_free(node: Node, free: Resources, admitted: bool) -> None:
    assert Capacity().admits(ONE_CPU, Offer(node, free)) is admitted


def test_binpack_likes_the_fuller_node() -> None:
    empty, used = Offer(NODE, NODE.capacity), Offer(NODE, NODE.capacity - ONE_CPU)
    assert Binpack().score(ONE_CPU, used) > Binpack().score(ONE_CPU, empty)


def test_binpack_leaves_machines_with_gpus_to_those_who_want_them() -> None:
    plain = Node("node-2", Resources(cpu_millicores=4000, memory_bytes=16 * GIB))
    assert Binpack().score(ONE_CPU, Offer(plain, plain.capacity)) > Binpack().score(ONE_CPU, Offer(NODE, NODE.capacity))


def test_an_empty_file_names_the_shipped_policies() -> None:
    policies = read_policies("")
    assert isinstance(policies.order, PriorityFifo)
    assert [type(one) for one in policies.filters] == [Capacity]
    assert isinstance(policies.score, Binpack)


def test_a_filter_of_ones_own_is_asked_beside_capacity() -> None:
    policies = read_policies(f'filters = ["{HERE}:Evens"]')
    assert [type(one).__name__ for one in policies.filters] == ["Capacity", "Evens"]


@pytest.mark.parametrize(
    ("text", "what", "why"),
    [
        ("order = 3 3", "the policy file is not TOML", "line 1"),
        ('orders = "x"', 'the policy file\'s "orders" is wrong', "not permitted"),
        ("order = 3", 'the policy file\'s "order" is wrong', "string"),
        ('order = "sjf"', 'there is no order policy "sjf"', "known are priority-fifo"),
        ('score = "spread"', 'there is no score policy "spread"', "known are binpack"),
        ('filters = ["x"]', 'there is no filter policy "x"', "known are capacity"),
        (f'order = "{HERE}:Evens"', f'"{HERE}:Evens" is no order policy', "lacks"),
        (f'score = "{HERE}:Evens"', f'"{HERE}:Evens" is no score policy', "lacks"),
        ('filters = ["priority-fifo"]', 'there is no filter policy "priority-fifo"', "known are capacity"),
        (f'filters = ["{HERE}:Broken"]', f'the policy "{HERE}:Broken" cannot be loaded', "RuntimeError: no licence"),
        ('score = "nowhere_at_all:Best"', 'the policy "nowhere_at_all:Best" cannot be loaded', "ModuleNotFoundError"),
    ],
)
def test_a_bad_file_is_refused_with_its_reason(text: str, what: str, why: str) -> None:
    with pytest.raises(InvalidPolicyError) as caught:
        read_policies(text)
    assert caught.value.what == what
    assert why in caught.value.why
