"""What the local executor keeps tasks to: memory, logs, time; and what it notes of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from scheduler.local import LocalSettings, open_local_executor
from scheduler.ports import Executor
from tests.local_house import DEADLINE_S, Follower, House, WallClock, all_ended, following, said
from tovi_server.core.events import Exited
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import MIB

needs_cgroups = pytest.mark.cgroup
GROUPS = pytest.mark.parametrize("groups", [pytest.param("cgroups", marks=needs_cgroups), "none"])
HUNGRY = "echo ran; exec python3 -c 'import time; a = bytearray(200 << 20); time.sleep(600)'"


@asynccontextmanager
async def opened(groups: str = "cgroups", **fields: float) -> AsyncIterator[tuple[Executor, Follower]]:
    settings = LocalSettings("here", watch_interval_s=0.05, use_cgroups=groups == "cgroups", **fields)  # type: ignore[arg-type]  # by name
    async with open_local_executor(settings, clock=WallClock()) as executor, following(executor) as follower:
        yield executor, follower


@GROUPS
async def test_more_memory_than_asked_for_ends_the_task_and_is_told(tmp_path: Path, groups: str) -> None:
    order = House(tmp_path).order(HUNGRY, memory_bytes=64 * MIB)
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.OUT_OF_MEMORY
    assert end.usage.memory_bytes is not None
    assert end.usage.memory_bytes >= 60 * MIB
    await all_ended(order)


@needs_cgroups
async def test_a_task_of_which_one_process_was_ended_for_memory_is_ended_whole(tmp_path: Path) -> None:
    order = House(tmp_path).order(f"({HUNGRY}) ; echo went on; sleep 600", memory_bytes=64 * MIB)
    async with opened() as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.OUT_OF_MEMORY
    await all_ended(order)


@GROUPS
async def test_memory_up_to_what_was_asked_for_is_there(tmp_path: Path, groups: str) -> None:
    run = "python3 -c 'a = bytearray(100 << 20)'"
    order = House(tmp_path).order(run, memory_bytes=192 * MIB)
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.OK


@GROUPS
async def test_logs_over_their_cap_end_the_task(tmp_path: Path, groups: str) -> None:
    order = House(tmp_path).order("echo error >&2; yes", log_limit_bytes=MIB)
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.LOG_TOO_LARGE
    await all_ended(order)


async def test_the_sizes_of_logs_are_noted_when_they_change_and_at_the_end(tmp_path: Path) -> None:
    order = House(tmp_path).order("mkfifo gate; echo one; read -r line <gate; echo two >&2; exit 0")
    index = order.control / "log.idx"
    async with opened() as (executor, follower):
        await executor.start(order)
        await said(order, "one")
        async with asyncio.timeout(DEADLINE_S):
            while not index.exists():
                await asyncio.sleep(0.01)
        await asyncio.to_thread((order.work / "work/gate").write_text, "go\n")
        end = await follower.end(order)
    lines = [line.split() for line in index.read_text().splitlines()]
    assert [sizes for _, *sizes in lines] == [["4", "0"], ["4", "4"]]
    assert float(lines[0][0]) <= float(lines[1][0]) <= end.at.timestamp() + 1


@GROUPS
async def test_a_task_that_hears_nothing_is_killed_after_its_grace_with_all_it_started(
    tmp_path: Path, groups: str
) -> None:
    deaf = "trap '' TERM; (trap '' TERM; sleep 600; sleep 600) & echo ran; sleep 600; sleep 600"
    order = House(tmp_path).order(deaf, grace_s=0.2)
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        await said(order, "ran")
        await executor.stop(order.attempt)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.CANCELLED, 137)
    await all_ended(order)


async def test_a_task_may_tidy_up_before_it_ends(tmp_path: Path) -> None:
    tidy = "trap 'echo tidied; exit 5' TERM; echo ran; sleep 600 & wait"
    order = House(tmp_path).order(tidy)
    async with opened() as (executor, follower):
        await executor.start(order)
        await said(order, "ran")
        await executor.stop(order.attempt)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert (end.reason, end.exit_code) == (EndReason.CANCELLED, 5)
    assert "tidied" in (order.control / "stdout.log").read_text()


@GROUPS
async def test_what_is_left_when_the_program_ends_is_ended_too_even_in_a_session_of_its_own(
    tmp_path: Path, groups: str
) -> None:
    run = "sleep 600 & setsid sleep 600 & setsid -f sh -c 'trap \"\" TERM; sleep 600; sleep 600'; echo ran; exit 3"
    order = House(tmp_path).order(run)
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        await follower.end(order)
        await all_ended(order)


@GROUPS
async def test_memory_of_what_left_its_session_counts(tmp_path: Path, groups: str) -> None:
    order = House(tmp_path).order(
        f"setsid sh -c '{HUNGRY.replace(chr(39), chr(34))}'; sleep 600", memory_bytes=64 * MIB
    )
    async with opened(groups) as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
        await all_ended(order)
    assert isinstance(end, Exited)
    assert end.reason is EndReason.OUT_OF_MEMORY


async def test_cpu_time_is_told(tmp_path: Path) -> None:
    order = House(tmp_path).order("python3 -c 'for _ in range(10**6): pass'")
    async with opened() as (executor, follower):
        await executor.start(order)
        end = await follower.end(order)
    assert isinstance(end, Exited)
    assert end.usage.cpu_s is not None
    assert 0.01 < end.usage.cpu_s < 60
