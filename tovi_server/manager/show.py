"""Everything about one job, and the tasks of a part of it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tovi_server.core import expand, views
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import Reference
from tovi_server.core.job import Frozen, Job
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.manager import present, select, why_ended, why_waiting
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.lists import job_view
from tovi_server.manager.part import Part, narrow, stage_state
from tovi_server.manager.picture import NOTHING, Planned


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
    view = await job_view(desk, job, await desk.pictures.now() if job.counts.queued else NOTHING)
    stages = tuple(present.stage(job, stage, stage_state(stage).value) for stage in job.stages)
    return replace(view, stages=stages, spec=present.text(frozen.text))


async def _task_views(desk: Desk, part: Part, frozen: Frozen, tasks: Sequence[Task]) -> tuple[views.TaskView, ...]:
    planned = await _planned(desk, tasks)
    shown = []
    for task in tasks:
        stage = part.stage(task.id.stage)
        reason = why_ended.of_task(task, stage) if task.state.is_final else why_waiting.of_task(part.job, task, planned)
        params = expand.cell(frozen.spec.stage(stage.name), task.id.index).params
        shown.append(present.task(task, job=part.job, stage=stage, params=params, reason=reason))
    if len(tasks) == 1:
        shown = [replace(shown[0], attempts=await _attempt_views(desk, part, tasks[0]))]
    return tuple(shown)


async def _planned(desk: Desk, tasks: Sequence[Task]) -> Planned:
    queued = any(task.state is TaskState.QUEUED for task in tasks)
    return (await desk.pictures.now() if queued else NOTHING).planned


async def _attempt_views(desk: Desk, part: Part, task: Task) -> tuple[views.AttemptView, ...]:
    attempts = await desk.jobs.attempts(task.id)
    found = [one for one in attempts if part.attempt in (None, one.number)]
    if part.attempt is not None and not found:
        raise NotFoundError(f"there is no attempt {task.id}/{part.attempt}", why=f"it was tried {len(attempts)} times")
    stage = part.stage(task.id.stage)
    return tuple(present.attempt(one, task, reason=why_ended.of_attempt(one, task, stage)) for one in found)


async def _manifest(desk: Desk, job: Job) -> tuple[views.FileView, ...]:
    if job.snapshot is None:
        return ()
    return tuple(present.file(one) for one in await asyncio.to_thread(desk.files.manifest, job.project, job.id))
