"""A task that uses more disk than it asked for is evicted by its kubelet, and has failed for that, however it ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import pytest

from scheduler.ports import Order
from tests.contract.machines import Pods, pods_of
from tests.local_house import following
from tests.pods import Place
from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import MIB

FILL = "head -c 60000000 /dev/zero >big"
EVICTED_WITHIN_S = 150
"""A kubelet looks at disks now and then."""


@pytest.fixture
def pods(place: Place) -> Iterator[Pods]:
    with pods_of(place) as pods:
        yield pods


def small(pods: Pods, run: str) -> Order:
    order = pods.house.order(run, timeout_s=600)
    return replace(order, request=replace(order.request, disk_bytes=10 * MIB))


async def test_whether_it_ends_well_when_it_is_told_to_or_not(pods: Pods) -> None:
    orders = {
        0: small(pods, f"trap 'exit 0' TERM; {FILL}; sleep 600 & wait"),
        3: small(pods, f"trap 'exit 3' TERM; {FILL}; sleep 600 & wait"),
        137: small(pods, f"trap '' TERM; {FILL}; sleep 600 & wait; wait"),
    }
    async with pods.open() as executor, following(executor) as follower, asyncio.timeout(EVICTED_WITHIN_S):
        for order in orders.values():
            await executor.start(order)
        while sum(isinstance(report, Exited) for report in follower.heard) < len(orders):
            await asyncio.sleep(0.1)
        ends = {code: await follower.end(order) for code, order in orders.items()}

    for code, end in ends.items():
        assert isinstance(end, Exited)
        assert end.reason is EndReason.OUT_OF_DISK
        assert end.exit_code in {code, None}  # a slow kubelet forgets its container before it tells how it ended
        assert "Pod ephemeral local storage usage exceeds" in end.message


async def test_a_program_that_tells_itself_to_end_and_ends_well_has_succeeded(pods: Pods) -> None:
    order = pods.house.order("trap 'trap - TERM; exit 0' TERM; kill -TERM 0; wait")
    async with pods.open() as executor, following(executor) as follower:
        await executor.start(order)
        end = await follower.end(order)

    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.OK, 0)
