"""How old a picture of what waits may be, and who waits for a newer one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import cast

import pytest

from scheduler.snapshot import Snapshot
from tovi_server.core.ids import JobId
from tovi_server.core.reasons import Reason, WaitReason
from tovi_server.manager.picture import Picture, Pictures, Planned
from tovi_server.store.jobs import JobStore

DEAR_S = 0.5
CHEAP_S = 0.01
SOON_S = 10


class Jobs:
    """As much of a store as a picture needs."""

    def __init__(self) -> None:
        self.seq = 1
        self.looks = 0

    async def surroundings(self) -> tuple[int, tuple[()], str]:
        self.looks += 1
        return self.seq, (), ""

    async def waiting(self) -> tuple[()]:
        return ()

    active = waiting


class Planner:
    """Its n-th plan says n, and takes its time."""

    def __init__(self, cost_s: float, move: Callable[[float], None]) -> None:
        self.plans = 0
        self._cost_s = cost_s
        self._move = move

    def __call__(self, _: Snapshot) -> Planned:
        self.plans += 1
        self._move(self._cost_s)
        return {(JobId(1), "main"): Reason(WaitReason.RESOURCES, str(self.plans))}


class World:
    def __init__(self, cost_s: float, monkeypatch: pytest.MonkeyPatch) -> None:
        self._now_s = 0.0
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: self._now_s)
        self.jobs = Jobs()
        self.planner = Planner(cost_s, self.passes)
        self.pictures = Pictures(cast("JobStore", self.jobs), self.planner)

    def passes(self, time_s: float) -> None:
        self._now_s += time_s

    def changes(self) -> None:
        self.jobs.seq += 1

    async def lately(self) -> str:
        return said(await self.pictures.lately())

    async def now(self) -> str:
        return said(await self.pictures.now())


async def a_change_after_a_dear_plan(ago_s: float, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(DEAR_S, monkeypatch)
    await world.lately()
    world.changes()
    world.passes(ago_s)
    return world


def said(picture: Picture) -> str:
    return picture.by_job[JobId(1)].message


async def test_a_cheap_plan_is_made_anew_whenever_something_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(CHEAP_S, monkeypatch)
    assert [await world.lately(), await world.lately()] == ["1", "1"]
    world.changes()
    assert await world.lately() == "2"


async def test_a_list_is_given_a_dear_plan_for_a_while_though_something_changed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await a_change_after_a_dear_plan(9 * DEAR_S, monkeypatch)
    assert await world.lately() == "1"
    assert world.planner.plans == 1
    assert await world.now() == "2", "who asks for one job is told as of now"


async def test_after_that_while_it_is_given_the_old_one_once_more_as_a_new_one_is_made(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = await a_change_after_a_dear_plan(10 * DEAR_S, monkeypatch)
    assert [await world.lately() for _ in range(3)] == ["1"] * 3
    deadline = time.monotonic() + SOON_S
    while await world.lately() == "1":
        assert time.monotonic() < deadline
        await asyncio.sleep(0)
    await world.now()  # after all that was begun before
    assert (world.planner.plans, world.jobs.looks) == (2, 3)


async def test_nobody_is_given_a_plan_that_is_too_old(monkeypatch: pytest.MonkeyPatch) -> None:
    world = await a_change_after_a_dear_plan(20 * DEAR_S, monkeypatch)
    assert await world.lately() == "2"


async def test_a_dear_plan_since_which_nothing_changed_does_not_age(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World(DEAR_S, monkeypatch)
    await world.lately()
    world.passes(20 * DEAR_S)
    await world.lately()
    world.changes()
    world.passes(9 * DEAR_S)
    assert await world.lately() == "1"
