"""Lists of jobs and tasks: what they show, in which order, and that history costs them nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from typing import Any

import pytest
from sqlalchemy import insert, select

from tests.contract.store_house import DAWN, House, stage
from tovi_server.core.errors import UsageError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.job import Counts, overall_state
from tovi_server.core.reasons import EndReason
from tovi_server.core.states import TaskState
from tovi_server.store import tables
from tovi_server.store.convert import counts_values
from tovi_server.store.listing import STATE

pytest_plugins = ("tests.contract.store_fixtures",)


async def _ids(house: House, filter: JobFilter | None = None, **more: Any) -> list[int]:
    given = {"projects": None, "page": Page(), **more}
    return [job.id for job in await house.store.jobs(filter or JobFilter(), **given)]


async def test_jobs_come_newest_first(house: House) -> None:
    for _ in range(3):
        await house.submit()
    assert await _ids(house) == [3, 2, 1]


async def test_a_page_goes_on_where_the_last_ended(house: House) -> None:
    for _ in range(5):
        await house.submit()
    assert await _ids(house, page=Page(limit=2)) == [5, 4]
    assert await _ids(house, page=Page(limit=2, before=JobId(4))) == [3, 2]


async def test_a_page_may_begin_anywhere(house: House) -> None:
    await house.submit()
    assert await _ids(house, page=Page(before=JobId(2**80))) == [1]
    assert await _ids(house, page=Page(before=JobId(2**80)), first_user="ann") == [1]
    assert await _ids(house, page=Page(before=JobId(-(2**80)), limit=2**80)) == []


async def test_only_jobs_of_the_given_projects_are_listed(house: House) -> None:
    for project in ("lab", "other", "third", "lab"):
        await house.submit(project=project)
    assert await _ids(house, projects=["lab", "third"]) == [4, 3, 1]
    assert await _ids(house, projects=["lab", "third"], page=Page(limit=2)) == [4, 3]
    assert await _ids(house, projects=["third"]) == [3]
    assert await _ids(house, projects=[]) == []
    assert await _ids(house, JobFilter(project="other"), projects=["lab"]) == []
    assert await _ids(house, JobFilter(unfinished=True), projects=["lab", "other"]) == [4, 2, 1]


async def test_ones_own_jobs_come_first_over_all_pages(house: House) -> None:
    for user in ("ann", "bob", "ann", "cy", "bob"):
        await house.submit(user=user)
    whole = await _ids(house, first_user="bob")
    assert whole == [5, 2, 4, 3, 1]
    pages: list[int] = []
    while page := await _ids(house, first_user="bob", page=Page(limit=2, before=JobId(pages[-1]) if pages else None)):
        pages += page
    assert pages == whole


@pytest.mark.parametrize(
    ("filter", "expected"),
    [
        (JobFilter(user="bob"), [2]),
        (JobFilter(project="other"), [3]),
        (JobFilter(queue="long"), [4]),
        (JobFilter(tag="x"), [1]),
        (JobFilter(tag="X"), []),
        (JobFilter(tag="x%"), []),
        (JobFilter(name="RAIN"), [2]),
        (JobFilter(name="%"), []),
        (JobFilter(since=DAWN + timedelta(seconds=2)), [4, 3]),
        (JobFilter(until=DAWN), [1]),
        (JobFilter(user="bob", project="other"), []),
        (JobFilter(states=(TaskState.QUEUED,)), [4, 3, 2, 1]),
        (JobFilter(states=(TaskState.FAILED, TaskState.RUNNING)), []),
    ],
)
async def test_every_field_of_a_filter_narrows(house: House, filter: JobFilter, expected: list[int]) -> None:
    await house.submit(tags=("x", "yx"))
    await house.submit(user="bob", name="training", tags=("xx",))
    await house.submit(project="other")
    await house.submit(queue="long")
    assert await _ids(house, filter) == expected


async def test_finished_jobs_are_left_out_of_what_is_unfinished(house: House) -> None:
    done, waits = await house.submit(), await house.submit()
    await house.run(f"{done}.main.0")
    assert await _ids(house, JobFilter(unfinished=True)) == [waits]


async def test_a_filter_that_cannot_match_anything_is_refused(house: House) -> None:
    with pytest.raises(UsageError):
        await _ids(house, JobFilter(name="a\0"))


async def test_sql_and_core_agree_on_the_state_of_a_job(house: House) -> None:
    """For every pattern of states that tasks can be in."""
    patterns = [Counts(*numbers) for numbers in product((0, 2), repeat=8) if any(numbers)]
    common = {"project": "p", "user": "u", "name": "n", "queue": "q", "priority": 0, "tags": "", "note": ""}
    more = {"held": False, "snapshot": None, "origin": None, "submitted_at": DAWN, "started_at": None, "ended_at": None}
    rows = [{**common, **more, **counts_values(counts)} for counts in patterns]
    await house.database.write(lambda connection: connection.execute(insert(tables.jobs), rows))
    found = await house.database.read(
        lambda connection: connection.execute(select(STATE).order_by(tables.jobs.c.id)).scalars().all()
    )
    assert [overall_state(counts).value for counts in patterns] == list(found)


async def test_tasks_without_rows_are_listed_like_the_others(house: House) -> None:
    job = await house.submit(stage("a", 5), stage("b", 3, needs=("a",)))
    await house.run(f"{job}.a.2")
    listed = await house.store.tasks(job)
    assert [str(task.id) for task in listed] == [f"{job}.a.{n}" for n in range(5)] + [f"{job}.b.{n}" for n in range(3)]
    assert [task.state for task in listed if task.id.stage == "b"] == [TaskState.WAITING] * 3
    assert listed[2].state is TaskState.SUCCEEDED


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"first": 3, "limit": 4}, ["a.3", "a.4", "b.0", "b.1"]),
        ({"first": 6}, ["b.1", "b.2"]),
        ({"first": 60}, []),
        ({"limit": 0}, []),
        ({"stage": "b", "first": 1}, ["b.1", "b.2"]),
        ({"stage": "b", "indices": [2, 0, 7, -1, 10**12]}, ["b.0", "b.2"]),
        ({"stage": "none"}, []),
    ],
)
async def test_a_part_of_the_tasks_can_be_asked_for(
    house: House, arguments: dict[str, Any], expected: list[str]
) -> None:
    job = await house.submit(stage("a", 5), stage("b", 3))
    listed = await house.store.tasks(job, **arguments)
    assert [f"{task.id.stage}.{task.id.index}" for task in listed] == expected


@pytest.mark.parametrize("absent", ["9.main.0", "1.other.0", "1.main.1", "1.main.9999999999"])
async def test_there_is_no_task_outside_a_stage(house: House, absent: str) -> None:
    await house.submit()
    job, stage_name, index = absent.split(".")
    assert await house.store.task(TaskId(JobId(int(job)), stage_name, int(index))) is None


async def test_absent_jobs_are_nothing(house: House) -> None:
    for job in (JobId(7), JobId(0), JobId(-1), JobId(2**80)):
        assert await house.store.job(job) is None
        assert await house.store.frozen(job) is None
        assert await house.store.tasks(job) == ()
        assert await house.store.task(TaskId(job, "main", 0)) is None
        assert await house.store.attempts(TaskId(job, "main", 0)) == ()


async def test_the_first_failed_task_is_the_first_in_the_file(house: House) -> None:
    job = await house.submit(stage("a", 3), stage("b", 3))
    assert await house.store.first_failed(job) is None
    await house.run(f"{job}.b.0", reason=EndReason.ERROR)
    await house.run(f"{job}.a.2", reason=EndReason.ERROR)
    await house.run(f"{job}.a.1", reason=EndReason.ERROR)
    failed = await house.store.first_failed(job)
    assert failed is not None
    assert str(failed.id) == f"{job}.a.1"


async def test_queues_are_counted(house: House) -> None:
    await house.submit(stage(tasks=5), queue="long")
    await house.submit(stage(tasks=2))
    await house.start("1.main.0", "1.main.1", "2.main.0")
    done = await house.submit(queue="done")
    await house.run(f"{done}.main.0")
    counted = {view.name: (view.queued, view.running) for view in await house.store.queue_counts()}
    assert counted == {"long": (3, 2), "default": (1, 1)}
