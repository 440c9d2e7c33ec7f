"""A new job from the frozen code and spec of an old one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tovi_server.api import SubmitOptions
from tovi_server.core import expand, views
from tovi_server.core.errors import ConflictError, UsageError
from tovi_server.core.ids import JobId
from tovi_server.core.job import Job
from tovi_server.core.spec import Spec
from tovi_server.core.states import TaskState
from tovi_server.manager import part as parts
from tovi_server.manager import submit
from tovi_server.manager.access import absent_job, need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.part import Part


async def rerun(
    desk: Desk, job_id: JobId, *, failed: bool, params: Mapping[str, str], key: str | None
) -> views.Submitted:
    """Checked like any submission: the machines and datasets of today count."""
    job = await need_job(desk, job_id)
    frozen = await desk.jobs.frozen(job_id)
    if frozen is None:
        raise absent_job(job_id)
    options = SubmitOptions(project=job.project, name=job.name, queue=job.queue, tags=job.tags, params=params, key=key)
    spec = await submit.read(frozen.text, params) if params else frozen.spec
    found = await submit.checked(desk, options, submit.Read(spec, frozen.text, frozen.snapshot))
    new = submit.new_job(desk, options, found)
    new = replace(new, origin=job_id, digest=f"{new.digest} of {job_id}{', what failed' if failed else ''}")
    if failed:
        new = replace(new, unfinished=await _unfinished(desk, job, spec))
    created, is_new = await desk.jobs.submit(new, now=desk.clock.now())
    desk.ring()
    return views.Submitted(created, is_new, ())


async def _unfinished(desk: Desk, job: Job, spec: Spec) -> dict[str, tuple[int, ...]]:
    """By stage the tasks that did not succeed."""
    if not job.state.is_final:
        raise ConflictError(f"job {job.id} is still {job.state.value}", why="what failed is known when it ended")
    _need_same_tasks(job, spec)
    found = {stage.name: await _indices(desk, Part(job, (stage,))) for stage in job.stages}
    if not any(found.values()):
        raise ConflictError(f"all tasks of job {job.id} succeeded", hint=f"`rerun {job.id}` runs all of them again")
    return {stage: indices for stage, indices in found.items() if indices}


async def _indices(desk: Desk, part: Part) -> tuple[int, ...]:
    if part.stages[0].counts.succeeded == part.total:
        return ()
    return tuple(
        [task.id.index async for task in parts.tasks(desk.jobs, part) if task.state is not TaskState.SUCCEEDED]
    )


def _need_same_tasks(job: Job, spec: Spec) -> None:
    totals = {stage.name: expand.count(stage.cells) for stage in spec.stages}
    if totals != {stage.name: stage.total for stage in job.stages}:
        raise UsageError("other parameters give other tasks", why="--failed runs some tasks of the old job again")
