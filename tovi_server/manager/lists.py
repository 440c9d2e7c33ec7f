"""Lists of jobs."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from tovi_server.core import views
from tovi_server.core.access import Action
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.job import Job
from tovi_server.core.states import TaskState
from tovi_server.manager import present, why_ended, why_waiting
from tovi_server.manager.access import may_read, need_project, readable_projects
from tovi_server.manager.desk import Desk
from tovi_server.manager.picture import NOTHING, Picture


async def jobs(desk: Desk, filter: JobFilter, page: Page) -> views.JobPage:
    """Jobs of the caller's projects; with `filter.everybody` those of all, foreign ones as far as they may be seen."""
    first_user = desk.caller.user if filter.unfinished else None
    projects = await _scope(desk, filter)
    found = await desk.jobs.jobs(filter, projects=projects, page=page, first_user=first_user)
    items = await _views(desk, found)
    return views.JobPage(items=items, next=found[-1].id if len(found) >= page.limit else None)


async def _scope(desk: Desk, filter: JobFilter) -> frozenset[str] | None:
    if filter.everybody and filter.name is None and filter.tag is None:
        return None
    if filter.everybody:
        return await readable_projects(desk)  # what foreign jobs hide must not be searched for either
    if filter.project is not None:
        await need_project(desk, filter.project, Action.READ)
        return frozenset({filter.project})
    return frozenset(await desk.accounts.projects(desk.caller.user))


async def _views(desk: Desk, found: Sequence[Job]) -> tuple[views.JobView, ...]:
    roles = await desk.accounts.projects(desk.caller.user)
    picture = await desk.pictures.now() if any(not job.state.is_final for job in found) else NOTHING
    known = [job for job in found if may_read(desk, roles, job.project)]
    mine = dict(
        zip(
            (job.id for job in known),
            await asyncio.gather(*(job_view(desk, job, picture) for job in known)),
            strict=True,
        )
    )
    return tuple(mine.get(job.id) or present.foreign_job(job, request=picture.requests.get(job.id)) for job in found)


async def job_view(desk: Desk, job: Job, picture: Picture) -> views.JobView:
    """A job as in lists, without its stages and spec."""
    failed = await desk.jobs.first_failed(job.id) if job.state is TaskState.FAILED else None
    stage = next((one for one in job.stages if failed is not None and one.name == failed.id.stage), None)
    return present.job(
        job,
        reason=why_ended.of_job(job, failed, stage) or why_waiting.of_listed(job, picture),
        exit_code=why_ended.exit_code(job.state, failed),
        request=picture.requests.get(job.id),
    )
