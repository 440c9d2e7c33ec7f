"""The jobs of a list: pages, and what changes while they come."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta

from tests.fakes_manager import NOW, a_job
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.filters import JobFilter, Page
from tovi_tui.job_list import FRESH, MOST, JobList
from tovi_tui.text.filter import Scope
from tovi_tui.text.sought import Sought

DEADLINE_S = 10.0


class Slow(Lab):
    """Reads a page, and gives it only when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.waits: list[asyncio.Event] = []
        self.now = NOW

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        found = await super().jobs(filter, page)
        self.waits.append(gate := asyncio.Event())
        await gate.wait()
        return found

    async def asked_for(self, number: int) -> asyncio.Event:
        """The page of that number, once it is read."""
        async with asyncio.timeout(DEADLINE_S):
            while len(self.waits) <= number:
                await asyncio.sleep(0)
        return self.waits[number]

    def clock(self) -> datetime:
        return self.now


def a_list(manager: Slow | Lab, text: str = "") -> JobList:
    now = manager.clock if isinstance(manager, Slow) else lambda: NOW
    return JobList(lambda: manager, me=lambda: "ada", sought=Sought(text), now=now)


async def whole(jobs: JobList) -> list[int]:
    """Load all, and tell their ids as shown."""
    async for _ in jobs.load():
        pass
    return [job.id for job in jobs.ordered()]


async def test_what_is_renewed_while_a_load_goes_on_is_not_undone_by_it() -> None:
    manager = Slow()
    manager.job_list = (a_job(2), a_job(1))
    jobs = a_list(manager)
    async with asyncio.TaskGroup() as group:
        loading = group.create_task(whole(jobs))
        page = await manager.asked_for(0)
        manager.job_list = (replace(a_job(2), state="failed"),)
        jobs.due((1, 2))
        renewing = group.create_task(jobs.renew())
        (await manager.asked_for(1)).set()
        await renewing
        page.set()
        await loading
    assert [(job.id, job.state) for job in jobs.ordered()] == [(2, "failed")]


async def test_news_while_older_news_are_asked_for_are_not_lost() -> None:
    manager = Slow()
    manager.job_list = (a_job(2), a_job(1))
    jobs = a_list(manager)
    jobs.due((1,))
    async with asyncio.TaskGroup() as group:
        renewing = group.create_task(jobs.renew())
        first = await manager.asked_for(0)
        assert jobs.is_renewing
        manager.job_list = (a_job(2), a_job(1, name="changed again"))
        jobs.due((1, 2))
        first.set()
        (await manager.asked_for(1)).set()
        await renewing
    assert [(job.id, job.name) for job in jobs.ordered()] == [(2, "sweep"), (1, "changed again")]
    assert not jobs.is_renewing


async def test_what_was_asked_for_by_another_filter_does_not_come_into_the_list() -> None:
    manager = Slow()
    jobs = a_list(manager)
    jobs.due((412,))
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.renew())
        page = await manager.asked_for(0)
        jobs.sought = replace(jobs.sought, text="other")
        page.set()
    assert jobs.ordered() == []


async def test_another_order_meanwhile_does_no_harm() -> None:
    manager = Slow()
    jobs = a_list(manager)
    jobs.due((412,))
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.renew())
        page = await manager.asked_for(0)
        jobs.sought = replace(jobs.sought, order=jobs.sought.order.next())
        page.set()
    assert [job.id for job in jobs.ordered()] == [412]


async def test_many_news_are_asked_for_in_parts_that_the_manager_takes() -> None:
    manager = Lab()
    manager.job_list = tuple(a_job(number) for number in range(1200, 0, -1))
    jobs = a_list(manager)
    jobs.due(range(1, 1201))
    await jobs.renew()
    assert len(jobs.ordered()) == 1200
    parts = [len(filter.ids) for _, (filter, _) in manager.asked]
    assert parts == [100] * 12


async def test_a_long_list_is_shown_whenever_it_has_doubled() -> None:
    manager = Lab()
    manager.job_list = tuple(a_job(number) for number in range(1200, 0, -1))
    jobs = a_list(manager)
    assert [len(jobs.ordered()) async for _ in jobs.load()] == [100, 200, 400, 800, 1200]


async def test_a_list_ends_at_its_most_and_says_so() -> None:
    manager = Lab()
    manager.job_list = tuple(a_job(number) for number in range(MOST + 700, 0, -1))
    jobs = a_list(manager)
    assert (len(await whole(jobs)), jobs.is_cut) == (MOST, True)
    manager.job_list = manager.job_list[:MOST]
    assert (len(await whole(jobs)), jobs.is_cut) == (MOST, False)


async def test_a_job_that_changed_is_fresh_for_a_moment() -> None:
    manager = Slow()
    manager.job_list = (a_job(2), a_job(1))
    jobs = a_list(manager)
    async with asyncio.TaskGroup() as group:
        group.create_task(whole(jobs))
        (await manager.asked_for(0)).set()
    manager.job_list = (a_job(2, name="changed"), a_job(1))
    jobs.due((1, 2))
    async with asyncio.TaskGroup() as group:
        group.create_task(jobs.renew())
        (await manager.asked_for(1)).set()
    assert [jobs.is_fresh(job) for job in jobs.ordered()] == [True, False], "of the other nothing is to be seen"
    manager.now += FRESH - timedelta(seconds=1)
    assert jobs.is_fresh(jobs.ordered()[0])
    manager.now += timedelta(seconds=1)
    assert not jobs.is_fresh(jobs.ordered()[0])


async def test_what_the_manager_cannot_select_by_is_selected_here() -> None:
    jobs = a_list(Lab(), "state:held")
    assert await whole(jobs) == [407]
    jobs.sought = Sought("state:held state:queued", Scope())
    assert await whole(jobs) == [409, 407]
