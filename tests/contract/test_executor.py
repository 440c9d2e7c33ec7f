"""What every executor does: the fake one, processes on this machine with control groups and without, and pods."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.contract.machines import FakeOne, LocalOne, Machine, Pods, pods_of
from tests.local_house import House, following
from tests.pods import Place
from tovi_server.core.events import Exited, Lost, Started
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.core.reasons import EndReason


@pytest.fixture(scope="module")
def pods(place: Place) -> Iterator[Pods]:
    with pods_of(place) as pods:
        yield pods


@pytest.fixture(params=["fake", "local-with-cgroups", "local", pytest.param("pods", marks=pytest.mark.cluster)])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Machine:
    match request.param:
        case "fake":
            return FakeOne(House(tmp_path))
        case "pods":
            return request.getfixturevalue("pods")
        case kind:
            return LocalOne(House(tmp_path), use_cgroups=kind == "local-with-cgroups")


async def test_it_names_its_nodes_and_what_they_have(machine: Machine) -> None:
    async with machine.open() as executor:
        node = next(node for node in await executor.nodes() if node.name == machine.house.node)
    assert node.ready
    assert node.capacity.cpu_millicores > 0
    assert node.capacity.memory_bytes > 0


@pytest.mark.parametrize(
    ("code", "reason"), [(0, EndReason.OK), (1, EndReason.ERROR), (7, EndReason.ERROR), (255, EndReason.ERROR)]
)
async def test_an_end_is_told_after_the_start_with_its_exit_code(
    machine: Machine, code: int, reason: EndReason
) -> None:
    order = machine.house.order(f"exit {code}")
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (reason, code)
    assert [type(report) for report in follower.heard] == [Started, Exited]


async def test_an_attempt_that_is_stopped_ends_as_cancelled(machine: Machine) -> None:
    order = machine.house.order("sleep 600")
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        await follower.started(order)
        await executor.stop(order.attempt)
        end = await follower.end(order)
        await machine.is_quiet(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.CANCELLED


async def test_an_attempt_may_be_stopped_twice_and_is_told_to_end_once(machine: Machine) -> None:
    order, after = machine.house.order("sleep 600"), machine.house.order("exit 0")
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        await executor.stop(order.attempt)
        await executor.stop(order.attempt)
        await follower.end(order)
        await executor.stop(order.attempt)
        await executor.start(after)
        await follower.end(after)
    assert len([report for report in follower.heard if isinstance(report, Exited)]) == 2


async def test_stopping_what_is_unknown_does_nothing(machine: Machine) -> None:
    order = machine.house.order("exit 0")
    async with machine.open() as executor, following(executor) as follower:
        await executor.stop(AttemptId(TaskId(JobId(99), "main", 0), 1))
        await executor.start(order)
        await follower.end(order)
    assert {report.attempt for report in follower.heard} == {order.attempt}


async def test_an_attempt_over_its_time_ends_as_timeout(machine: Machine) -> None:
    order = machine.house.order("sleep 600", timeout_s=0.3)
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.TIMEOUT


async def test_what_cannot_start_is_told_as_that(machine: Machine) -> None:
    order = machine.house.order("exit 0")
    order = replace(order, environment={**order.environment, "BAD": "a\0b"})
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.START_FAILED, None)
    assert end.message


async def test_an_attempt_that_is_started_twice_runs_once(machine: Machine) -> None:
    order = machine.house.order("echo ran; exit 0")
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        await executor.start(order)
        await follower.end(order)
    assert machine.runs(order) == 1


async def test_what_runs_goes_on_without_an_executor_and_the_next_one_adopts_it(machine: Machine) -> None:
    order = machine.house.order("sleep 600")
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        await follower.started(order)
    async with machine.open() as executor, following(executor) as follower:
        await executor.start(order)
        await follower.started(order)
        assert not any(isinstance(report, Exited | Lost) for report in follower.heard)
        await executor.stop(order.attempt)
        end = await follower.end(order)
        await machine.is_quiet(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.CANCELLED


async def test_an_end_is_told_again_to_the_next_server_and_nothing_runs_twice(machine: Machine) -> None:
    order = machine.house.order("echo ran; exit 7")
    ends = []
    for _ in range(3):
        async with machine.open() as executor, following(executor) as follower:
            await executor.start(order)
            ends.append(await follower.end(order))
    assert ends[0] == ends[1] == ends[2]
    assert isinstance(ends[0], Exited)
    assert ends[0].exit_code == 7
    assert machine.runs(order) == 1
