"""Lists of jobs, and everything about one."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tovi_server.core import expand, views
from tovi_server.core.access import Action
from tovi_server.core.errors import NotFoundError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId, Reference
from tovi_server.core.job import Frozen, Job, Stage
from tovi_server.core.reasons import Reason
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.manager import present, select, why_ended, why_waiting
from tovi_server.manager.access import may_read, need_job, need_project, readable_projects
from tovi_server.manager.desk import Desk
from tovi_server.manager.part import Part, narrow, stage_state


async def jobs(desk: Desk, filter: JobFilter, page: Page) -> views.JobPage:
    """Jobs of the caller's projects; with `filter.everybody` those of all, foreign ones as far as they may be seen."""
    first_user = desk.caller.user if filter.unfinished else None
    projects = await _scope(desk, filter)
    found = await desk.jobs.jobs(filter, projects=projects, page=page, first_user=first_user)
    items = await _list_views(desk, found)
    return views.JobPage(items=items, next=found[-1].id if len(found) >= page.limit else None)


async def _scope(desk: Desk, filter: JobFilter) -> frozenset[str] | None:
    if filter.everybody and filter.name is None and filter.tag is None:
        return None  # what foreign jobs hide must not be searched for either
    if filter.project is not None and not filter.everybody:
        await need_project(desk, filter.project, Action.READ)
        return frozenset({filter.project})
    if filter.everybody:
        return await readable_projects(desk)
    return frozenset(await desk.accounts.projects(desk.caller.user))


async def _list_views(desk: Desk, found: Sequence[Job]) -> tuple[views.JobView, ...]:
    roles = await desk.accounts.projects(desk.caller.user)
    waiting: Mapping[JobId, Reason] = {}
    if any(job.state is TaskState.QUEUED for job in found):
        waiting = why_waiting.by_job(await desk.waiting.now())
    return tuple(
        [
            await job_view(desk, job, waiting) if may_read(desk, roles, job.project) else present.foreign_job(job)
            for job in found
        ]
    )


async def job_view(desk: Desk, job: Job, waiting: Mapping[JobId, Reason]) -> views.JobView:
    """A job without its stages."""
    failed = await desk.jobs.first_failed(job.id) if job.state is TaskState.FAILED else None
    reason = why_ended.of_job(job, failed, _stage_of(job, failed)) or _why_waiting(job, waiting)
    return present.job(job, reason=reason, exit_code=why_ended.exit_code(job.state, failed))


def _why_waiting(job: Job, waiting: Mapping[JobId, Reason]) -> Reason | None:
    if job.state is not TaskState.QUEUED:
        return None
    return why_waiting.held(str(job.id)) if job.held else waiting.get(job.id, why_waiting.NEXT)


def _stage_of(job: Job, task: Task | None) -> Stage | None:
    return next((stage for stage in job.stages if task is not None and stage.name == task.id.stage), None)


async def show(desk: Desk, reference: Reference, *, where: Mapping[str, str], files: bool, limit: int) -> views.Details:
    """The job and the tasks of the part that was named; one task alone comes with its attempts."""
    job = await need_job(desk, reference.job)
    part = narrow(job, reference)
    frozen = await _frozen(desk, job)
    tasks, more = await select.tasks(desk.jobs, part, frozen, where=where, limit=limit)
    shown = await _task_views(desk, part, frozen, tasks)
    return views.Details(
        job=await _whole_job(desk, job, frozen),
        tasks=shown,
        more_tasks=more,
        files=await _manifest(desk, job) if files else (),
    )


async def _frozen(desk: Desk, job: Job) -> Frozen:
    frozen = await desk.jobs.frozen(job.id)
    if frozen is None:
        raise NotFoundError(f"the spec of job {job.id} is gone")
    return frozen


async def _whole_job(desk: Desk, job: Job, frozen: Frozen) -> views.JobView:
    planned = await desk.waiting.now() if job.counts.queued else {}
    view = await job_view(desk, job, why_waiting.by_job(planned))
    stages = tuple(present.stage(job, stage, stage_state(stage).value) for stage in job.stages)
    return replace(view, stages=stages, spec=present.text(frozen.text))


async def _task_views(desk: Desk, part: Part, frozen: Frozen, tasks: Sequence[Task]) -> tuple[views.TaskView, ...]:
    planned = await desk.waiting.now() if any(task.state is TaskState.QUEUED for task in tasks) else {}
    shown = []
    for task in tasks:
        stage = part.stage(task.id.stage)
        reason = why_ended.of_task(task, stage) if task.state.is_final else why_waiting.of_task(part.job, task, planned)
        params = expand.cell(frozen.spec.stage(stage.name), task.id.index).params
        shown.append(present.task(task, job=part.job, stage=stage, params=params, reason=reason))
    if len(tasks) == 1:
        shown = [replace(shown[0], attempts=await _attempt_views(desk, part, tasks[0]))]
    return tuple(shown)


async def _attempt_views(desk: Desk, part: Part, task: Task) -> tuple[views.AttemptView, ...]:
    attempts = await desk.jobs.attempts(task.id)
    found = [one for one in attempts if part.attempt in (None, one.number)]
    if part.attempt is not None and not found:
        raise NotFoundError(f"there is no attempt {task.id}/{part.attempt}", why=f"it was tried {len(attempts)} times")
    return tuple(present.attempt(one, task) for one in found)


async def _manifest(desk: Desk, job: Job) -> tuple[views.FileView, ...]:
    if job.snapshot is None:
        return ()
    return tuple(present.file(one) for one in await asyncio.to_thread(desk.files.manifest, job.project, job.id))
