"""Why a task waits, in words and numbers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler import explain
from scheduler.nodes import Kept
from scheduler.policies.protocols import Offer
from scheduler.snapshot import Node
from tests.fakes_scheduler import ONE_CPU, an_entry
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import WaitReason
from tovi_server.core.resources import GIB, Resources

SMALL = Node("small", Resources(cpu_millicores=4000, memory_bytes=16 * GIB, disk_bytes=100 * GIB))
LARGE = Node(
    "large",
    Resources(
        cpu_millicores=64000,
        memory_bytes=512 * GIB,
        disk_bytes=1000 * GIB,
        gpus=8,
        gpu_models=("h100",),
        gpu_memory_bytes=80 * GIB,
    ),
)


def offer(node: Node, **free: object) -> Offer:
    return Offer(node, replace(node.capacity, **free))  # type: ignore[arg-type]  # tests name what is left


@pytest.mark.parametrize(
    ("request_", "offers", "message"),
    [
        (
            Resources(cpu_millicores=2000, memory_bytes=GIB),
            [offer(SMALL, cpu_millicores=500)],
            "needs 2 cpu, 1 GiB memory; the closest machine, small, has free 0.5 of 4 cpu",
        ),
        (
            Resources(cpu_millicores=2000, memory_bytes=8 * GIB),
            [offer(SMALL, cpu_millicores=1000, memory_bytes=4 * GIB)],
            "needs 2 cpu, 8 GiB memory; the closest machine, small, has free 1 of 4 cpu and 4 GiB of 16 GiB memory",
        ),
        (
            Resources(cpu_millicores=1000, memory_bytes=GIB, disk_bytes=50 * GIB),
            [offer(SMALL, disk_bytes=10 * GIB)],
            "needs 1 cpu, 1 GiB memory; the closest machine, small, has free 10 GiB of 100 GiB disk",
        ),
        (
            Resources(cpu_millicores=1000, memory_bytes=GIB, gpus=4),
            [offer(SMALL), offer(LARGE, gpus=1)],
            "needs 1 cpu, 1 GiB memory, 4 gpu; the closest machine, large, has free 1 of 8 gpus",
        ),
        (
            Resources(cpu_millicores=8000, memory_bytes=GIB),
            [offer(SMALL), offer(LARGE, cpu_millicores=0)],
            "needs 8 cpu, 1 GiB memory; the closest machine, large, has free 0 of 64 cpu",
        ),
        (
            Resources(cpu_millicores=8000, memory_bytes=GIB),
            [offer(SMALL)],
            "needs 8 cpu, 1 GiB memory; the closest machine, small, has free 4 of 4 cpu; "
            "no machine that is here now has that much even when it is empty",
        ),
        (
            Resources(cpu_millicores=1000, memory_bytes=GIB, gpus=1, gpu_models=("a100",)),
            [offer(LARGE)],
            "needs 1 cpu, 1 GiB memory, 1 a100; the closest machine, large, has free no GPU of the kind asked for "
            "(a100); no machine that is here now has that much even when it is empty",
        ),
        (
            Resources(cpu_millicores=1000, memory_bytes=GIB, gpus=1, gpu_memory_bytes=141 * GIB),
            [offer(LARGE)],
            "needs 1 cpu, 1 GiB memory, 1 gpu; the closest machine, large, has free no GPU of the kind asked for "
            "(any model with 141 GiB); no machine that is here now has that much even when it is empty",
        ),
        (
            ONE_CPU,
            [offer(SMALL)],
            "needs 1 cpu, 1 GiB memory; small has that free, but a policy refuses it",
        ),
    ],
)
def test_lack_of_room_names_the_closest_machine_and_what_it_lacks(
    request_: Resources, offers: list[Offer], message: str
) -> None:
    reason = explain.lack_of_room(request_, offers)
    assert (reason.code, reason.message) == (WaitReason.RESOURCES, message)


def test_a_machine_that_could_serve_it_one_day_is_closer_than_one_that_never_can() -> None:
    request = Resources(cpu_millicores=5000, memory_bytes=GIB)
    reason = explain.lack_of_room(request, [offer(SMALL), offer(LARGE, cpu_millicores=0)])
    assert reason.data["node"] == "large"


def test_lack_of_room_has_its_numbers() -> None:
    reason = explain.lack_of_room(Resources(cpu_millicores=8000, memory_bytes=GIB), [offer(LARGE, cpu_millicores=500)])
    assert reason.data == {
        "nodes": 1,
        "node": "large",
        "asked_cpu_millicores": 8000,
        "free_cpu_millicores": 500,
        "asked_memory_bytes": GIB,
        "free_memory_bytes": 512 * GIB,
        "asked_disk_bytes": 0,
        "free_disk_bytes": 1000 * GIB,
        "asked_gpus": 0,
        "free_gpus": 8,
    }


@pytest.mark.parametrize(
    ("offers", "message"),
    [
        ([], "no machine has been seen yet"),
        ([offer(replace(SMALL, ready=False))], "none of 1 machines takes tasks now"),
    ],
)
def test_without_a_ready_machine_that_is_the_reason(offers: list[Offer], message: str) -> None:
    reason = explain.lack_of_room(ONE_CPU, offers)
    assert (reason.code, reason.message, reason.data) == (WaitReason.NO_NODES, message, {"nodes": len(offers)})


def test_who_is_behind_hears_whom_and_what_is_waited_for() -> None:
    reason = explain.behind(Kept(JobId(7), "large", Resources(cpu_millicores=64000, memory_bytes=GIB)), ONE_CPU)
    assert reason.code == WaitReason.BEHIND
    assert reason.message == "job 7 is ahead and waits for 64 cpu, 1 GiB memory on large"
    assert (reason.data["ahead"], reason.data["kept_cpu_millicores"], reason.data["asked_cpu_millicores"]) == (
        7,
        64000,
        1000,
    )


def test_a_limit_says_how_many_run_and_may() -> None:
    reason = explain.at_its_limit(an_entry(max_concurrent=3), 3)
    assert reason.code == WaitReason.MAX_CONCURRENT
    assert reason.message == "3 of at most 3 tasks of the stage run"
    assert reason.data == {"running": 3, "max_concurrent": 3}


def test_what_is_held_names_the_command_that_lets_it_go() -> None:
    assert explain.held(an_entry(12)).message == "held; `release 12` lets it go on"
    assert explain.tasks_held(an_entry(12)).message == "its queued tasks are held; `release 12.main` lets them go on"
