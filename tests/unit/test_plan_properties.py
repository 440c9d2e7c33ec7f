"""What holds of every plan, whatever waits and runs."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from hypothesis import assume, given
from hypothesis import strategies as some

from scheduler.plan import Plan, candidates, in_order, plan
from scheduler.policies.default import DEFAULT
from scheduler.snapshot import Active, Node, Placement, Snapshot, StageQueue
from tests.fakes_scheduler import NOW, an_active, an_entry
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import WaitReason
from tovi_server.core.resources import GIB, Resources

amounts = some.builds(
    Resources,
    cpu_millicores=some.sampled_from([500, 1000, 2000, 4000, 9000]),
    memory_bytes=some.integers(1, 8).map(lambda number: number * GIB),
    disk_bytes=some.sampled_from([0, 10 * GIB]),
    gpus=some.sampled_from([0, 0, 1, 2]),
    gpu_models=some.sampled_from([(), ("h100",), ("a100", "h100")]),
)
machines = some.builds(
    Resources,
    cpu_millicores=some.sampled_from([1000, 4000, 8000]),
    memory_bytes=some.sampled_from([4 * GIB, 16 * GIB]),
    disk_bytes=some.sampled_from([0, 20 * GIB, 100 * GIB]),
    gpus=some.sampled_from([0, 1, 4]),
    gpu_models=some.sampled_from([("h100",), ("a100",)]),
)


@some.composite
def entries(draw: some.DrawFn, job: int) -> StageQueue:
    rest_from = draw(some.integers(0, 3))
    rest = draw(some.sampled_from([0, 0, 1, 4, 100_000]))
    return an_entry(
        job,
        indices=tuple(range(draw(some.integers(0, rest_from)))),
        rest_from=rest_from,
        rest_until=rest_from + rest,
        taken=frozenset(draw(some.sets(some.integers(rest_from, rest_from + 3), max_size=2))) if rest else frozenset(),
        request=draw(amounts),
        priority=draw(some.integers(-1, 1)),
        submitted_at=NOW + timedelta(seconds=draw(some.integers(0, 3))),
        active=draw(some.integers(0, 2)),
        max_concurrent=draw(some.sampled_from([None, None, 1, 3])),
        held=draw(some.sampled_from([False, False, False, True])),
    )


@some.composite
def pictures(draw: some.DrawFn) -> Snapshot:
    """With running attempts that really fit on their machines."""
    number = draw(some.integers(0, 3))
    nodes = tuple(
        Node(f"node-{one}", draw(machines), draw(some.sampled_from([True, True, False]))) for one in range(number)
    )
    queues = tuple(draw(entries(job)) for job in range(1, draw(some.integers(0, 6)) + 1))
    earlier = draw(some.lists(amounts, max_size=6))
    ran = plan(Snapshot(nodes, tuple(an_entry(100 + at, request=one) for at, one in enumerate(earlier)), ()), DEFAULT)
    return Snapshot(nodes, queues, tuple(running(ran.placements, earlier)))


def crowded(picture: Snapshot) -> Snapshot:
    """The same, where a task that fits an empty machine and no other one is ahead of all."""
    largest = max((node.capacity for node in picture.nodes if node.ready), key=lambda one: one.cpu_millicores)
    large = an_entry(50, request=replace(largest, memory_bytes=GIB), priority=5)
    return replace(picture, queues=(large, *picture.queues))


def running(placements: tuple[Placement, ...], earlier: list[Resources]) -> Iterator[Active]:
    for one in placements:
        request = earlier[one.task.job - 100]
        yield an_active(one.task.job, node=one.node, gpu_ids=one.gpu_ids, request=request)


def requests(picture: Snapshot) -> dict[JobId, Resources]:
    return {entry.job: entry.request for entry in picture.queues}


def left(picture: Snapshot, node: Node, placements: tuple[Placement, ...]) -> Resources:
    free = node.capacity
    for active in picture.active:
        free -= active.request if active.node == node.name else Resources()
    for one in placements:
        free -= requests(picture)[one.task.job] if one.node == node.name else Resources()
    return free


def least(amount: Resources) -> int:
    return min(amount.cpu_millicores, amount.memory_bytes, amount.disk_bytes, amount.gpus)


@given(pictures())
def test_no_machine_is_ever_over_its_capacity(picture: Snapshot) -> None:
    made = plan(picture, DEFAULT)
    assert all(least(left(picture, node, made.placements)) >= 0 for node in picture.nodes)


@given(pictures())
def test_no_gpu_is_ever_handed_out_twice_or_invented(picture: Snapshot) -> None:
    holders: list[Active | Placement] = [*picture.active, *plan(picture, DEFAULT).placements]
    for node in picture.nodes:
        held = [gpu for one in holders if one.node == node.name for gpu in one.gpu_ids]
        assert len(held) == len(set(held))
        assert set(held) <= set(range(node.capacity.gpus))


@given(pictures())
def test_each_placement_has_the_gpus_it_asked_for_on_a_machine_that_takes_tasks(picture: Snapshot) -> None:
    nodes = {node.name: node for node in picture.nodes}
    for one in plan(picture, DEFAULT).placements:
        assert len(one.gpu_ids) == requests(picture)[one.task.job].gpus
        assert nodes[one.node].ready
        assert requests(picture)[one.task.job].fits(nodes[one.node].capacity)


@given(pictures(), some.randoms(use_true_random=False))
def test_the_same_picture_gives_the_same_plan_in_whatever_order_it_comes(
    picture: Snapshot, shuffle: random.Random
) -> None:
    nodes, queues, active = list(picture.nodes), list(picture.queues), list(picture.active)
    for part in (nodes, queues, active):
        shuffle.shuffle(part)
    shuffled = Snapshot(tuple(nodes), tuple(queues), tuple(active))
    assert plan(shuffled, DEFAULT) == plan(picture, DEFAULT)


@given(pictures())
def test_only_queued_tasks_are_placed_each_once_and_in_order(picture: Snapshot) -> None:
    placed = [one.task for one in plan(picture, DEFAULT).placements]
    assert len(placed) == len(set(placed))
    for entry in picture.queues:
        mine = [task.index for task in placed if task.job == entry.job]
        found = candidates(entry)
        assert mine == [next(found) for _ in mine]


@given(pictures())
def test_limits_and_holds_are_kept(picture: Snapshot) -> None:
    placed = Counter(one.task.job for one in plan(picture, DEFAULT).placements)
    for entry in picture.queues:
        if entry.held:
            assert not placed[entry.job]
        if entry.max_concurrent is not None and placed[entry.job]:
            assert entry.active + placed[entry.job] <= entry.max_concurrent


@given(pictures())
def test_every_stage_is_placed_wholly_or_has_a_reason(picture: Snapshot) -> None:
    made = plan(picture, DEFAULT)
    placed = Counter(one.task.job for one in made.placements)
    for entry in picture.queues:
        rest = range(entry.rest_from, entry.rest_until)
        tasks = len(entry.indices) + len(rest) - sum(index in rest for index in entry.taken)
        whole = 0 < tasks == placed[entry.job]
        assert whole is ((entry.job, entry.stage) not in made.reasons)


def first_blocked(picture: Snapshot, made: Plan) -> StageQueue | None:
    """The first that waits for room which some machine has when it is empty."""
    ready = [node for node in picture.nodes if node.ready]
    for entry in in_order(picture.queues, DEFAULT):
        reason = made.reasons.get((entry.job, entry.stage))
        able = any(entry.request.fits(node.capacity) for node in ready)
        if reason is not None and reason.code == WaitReason.RESOURCES and able:
            return entry
    return None


@given(pictures())
def test_nobody_behind_takes_of_what_is_kept_for_the_first_that_found_no_room(picture: Snapshot) -> None:
    assume(any(node.ready for node in picture.nodes))
    picture = crowded(picture)
    made = plan(picture, DEFAULT)
    first = first_blocked(picture, made)
    if first is None:
        return
    node = next(one for one in picture.nodes if one.name == made.reasons[first.job, first.stage].data["kept_on"])
    order = [entry.job for entry in in_order(picture.queues, DEFAULT)]
    until = order.index(first.job)
    before = tuple(one for one in made.placements if order.index(one.task.job) <= until)
    was, now = left(picture, node, before), left(picture, node, made.placements)
    for kind in ("cpu_millicores", "memory_bytes", "disk_bytes", "gpus"):
        assert getattr(now, kind) >= min(getattr(was, kind), getattr(first.request, kind))


@given(
    some.lists(some.tuples(some.integers(1, 9), some.integers(0, 5)), min_size=2, max_size=7),
    some.randoms(use_true_random=False),
)
def test_a_large_task_starts_by_the_time_at_which_what_ran_before_it_reaches_its_limits(
    before: list[tuple[int, int]], chance: random.Random
) -> None:
    """However many small ones keep coming behind it, and however early or late anything ends within its limit."""
    nodes = tuple(Node(f"node-{one}", Resources(cpu_millicores=4000, memory_bytes=64 * GIB)) for one in range(2))
    large = an_entry(50, request=Resources(cpu_millicores=4000, memory_bytes=GIB), submitted_at=NOW - timedelta(days=1))
    runs: dict[int, tuple[int, Active]] = {}

    def start(job: int, node: str, at: int, length: int, slack: int) -> None:
        limit = timedelta(seconds=length + slack)
        active = an_active(job, node=node, timeout=limit, dispatched_at=NOW + timedelta(seconds=at))
        runs[job] = (at + length, active)

    for at, (length, slack) in enumerate(before):
        start(100 + at, f"node-{at % 2}", 0, length, slack)
    promise = min(max(sum(one) for one in before[at::2]) for at in range(2))
    for tick in range(promise + 1):
        runs = {job: run for job, run in runs.items() if run[0] > tick}
        small = [an_entry(1000 * (tick + 1) + job) for job in range(8)]
        made = plan(Snapshot(nodes, (large, *small), tuple(active for _, active in runs.values())), DEFAULT)
        if any(one.task.job == large.job for one in made.placements):
            return
        for one in made.placements:
            start(one.task.job, one.node, tick, chance.randint(1, 5), chance.randint(0, 3))
    raise AssertionError("the large task starved")
