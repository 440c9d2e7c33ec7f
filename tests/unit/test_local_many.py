"""Many attempts, one after another and at once: nothing is left of them, in this process or on the machine."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from scheduler.local import LocalSettings, cgroups, open_local_executor
from tests.local_house import DEADLINE_S, House, WallClock, following
from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason

MANY = 300


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


async def descriptors_fall_to(count: int) -> None:
    """Waits while something that opens a file and closes it at once, as the scan of the processes does, is at it."""
    until = time.monotonic() + DEADLINE_S
    while descriptors() > count:
        assert time.monotonic() < until, f"{descriptors()} descriptors are open, {count} were before"
        await asyncio.sleep(0.05)


def children() -> str:
    return Path(f"/proc/self/task/{os.getpid()}/children").read_text()


@pytest.mark.parametrize("groups", ["cgroups", "none"])
async def test_many_attempts_leave_no_descriptor_process_or_control_group(tmp_path: Path, groups: str) -> None:
    house = House(tmp_path)
    before, children_before = descriptors(), children()
    settings = LocalSettings("here", use_cgroups=groups == "cgroups")
    async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
        gate = asyncio.Semaphore(16)
        opened = descriptors()

        async def run() -> None:
            async with gate:
                order = house.order("exit 0")
                await executor.start(order)
                end = await follower.end(order)
                assert isinstance(end, Exited)
                assert end.reason is EndReason.OK

        async with asyncio.TaskGroup() as tasks:
            for _ in range(MANY):
                tasks.create_task(run())
        await descriptors_fall_to(opened)
    await descriptors_fall_to(before)
    assert children() == children_before
    found = cgroups.find()
    if found is not None:
        controls = [tmp_path / f"control/{number + 1}" for number in range(MANY)]
        assert not [control for control in controls if found.of(control).path.exists()]
