"""Lists of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from tovi_server.core import views
from tovi_server.core.access import Action, Role
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.core.job import Job
from tovi_server.core.task import Task
from tovi_server.manager import present, why_ended, why_waiting
from tovi_server.manager.access import may_read, need_project, readable_projects
from tovi_server.manager.desk import Desk
from tovi_server.manager.picture import NOTHING, Picture


async def jobs(desk: Desk, filter: JobFilter, page: Page) -> views.JobPage:
    """Jobs of the caller's projects; with `filter.everybody` those of all, foreign ones as far as they may be seen."""
    first_user = desk.caller.user if filter.unfinished else None
    roles = await desk.accounts.projects(desk.caller.user)
    projects = await _scope(desk, filter, roles)
    found = await desk.jobs.jobs(filter, projects=projects, page=page, first_user=first_user)
    items = await _views(desk, found, roles)
    return views.JobPage(items=items, next=found[-1].id if len(found) >= page.limit else None)


async def _scope(desk: Desk, filter: JobFilter, roles: Mapping[str, Role]) -> frozenset[str] | None:
    if filter.everybody and filter.name is None and filter.tag is None:
        return None
    if filter.everybody:
        return await readable_projects(desk)  # what foreign jobs hide must not be searched for either
    if filter.project is not None:
        await need_project(desk, filter.project, Action.READ)
        return frozenset({filter.project})
    return frozenset(roles)


async def _views(desk: Desk, found: Sequence[Job], roles: Mapping[str, Role]) -> tuple[views.JobView, ...]:
    known = {job.id for job in found if may_read(desk, roles, job.project)}
    picture = NOTHING if all(job.ended_at for job in found) else await desk.pictures.lately()
    failed = await _first_failed(desk, [job for job in found if job.id in known])
    return tuple(
        _view(job, picture, failed.get(job.id)) if job.id in known else _foreign_view(job, picture) for job in found
    )


async def _first_failed(desk: Desk, jobs: Sequence[Job]) -> dict[JobId, Task]:
    """Of those that ended with a failed task."""
    ids = [job.id for job in jobs if job.ended_at and job.counts.failed]
    tasks = await asyncio.gather(*map(desk.jobs.first_failed, ids))
    return {task.id.job: task for task in tasks if task is not None}


async def job_view(desk: Desk, job: Job, picture: Picture) -> views.JobView:
    """A job as in lists, without its stages and spec."""
    return _view(job, picture, (await _first_failed(desk, [job])).get(job.id))


def _view(job: Job, picture: Picture, failed: Task | None) -> views.JobView:
    state = job.state
    stage = next((one for one in job.stages if failed is not None and one.name == failed.id.stage), None)
    reason = why_ended.of_job(state, failed, stage) or why_waiting.of_listed(job, state, picture)
    outcome = present.Outcome(state, reason, why_ended.exit_code(state, failed))
    return present.job(job, outcome, request=picture.requests.get(job.id))


def _foreign_view(job: Job, picture: Picture) -> views.JobView:
    return present.foreign_job(job, request=picture.requests.get(job.id))
