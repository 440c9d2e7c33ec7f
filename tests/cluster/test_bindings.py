"""How pods come to their nodes: in each of the three modes, and what happens when a node cannot take one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from k8s.binding import Binding
from tests import kube
from tests.contract.machines import Pods, pods_of
from tests.live import Live
from tests.local_house import following
from tests.pods import Place
from tovi_server.core.events import Lost
from tovi_server.core.resources import Resources

SMALL = b"run: echo ran\nresources: {cpus: 0.1, memory: 64Mi, disk: 100Mi}\n"


@pytest.fixture(scope="module")
def pods(place: Place) -> Iterator[Pods]:
    with pods_of(place) as made:
        yield made


@pytest.fixture(scope="module", params=list(Binding))
def live(request: pytest.FixtureRequest, place: Place) -> Iterator[Live]:
    binding: Binding = request.param
    if binding is Binding.API:
        kube.grant(place.namespace, kube.IN_NAMESPACE | {kube.BINDING}, kube.EVERYWHERE)
    with place.server(f'binding = "{binding}"\n') as server:
        yield server


def test_a_job_runs_on_the_node_that_was_chosen_for_it(live: Live) -> None:
    job = live.ssh("submit", stdin=SMALL).out.decode().strip()
    assert live.ssh("wait", job).code == 0
    assert live.ssh("logs", job).out == b"ran\n"
    assert live.json("show", f"{job}.main.0")["node"] in kube.nodes()


async def test_a_task_for_gpus_whose_node_lost_them_is_placed_anew(pods: Pods) -> None:
    order = pods.house.order("exit 0")
    order = replace(order, request=replace(order.request, gpus=1))
    async with pods.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Lost)
    assert "offers no GPUs any more" in end.message


async def test_a_task_that_its_node_has_no_room_for_is_placed_anew(pods: Pods) -> None:
    order = pods.house.order("exit 0")
    order = replace(order, request=Resources(cpu_millicores=10_000_000, memory_bytes=order.request.memory_bytes))
    async with pods.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Lost)
    assert "OutOfcpu" in end.message
