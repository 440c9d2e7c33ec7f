"""What a reference names in a job: all of it, a stage, a task, an attempt."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from difflib import get_close_matches

from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import Reference, TaskId
from tovi_server.core.job import Counts, Job, Stage, overall_state
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.store.jobs import JobStore

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Part:
    """A job seen as far as a reference narrows it. `index` and `attempt` None: all, and the newest."""

    job: Job
    stages: tuple[Stage, ...]
    index: int | None = None
    attempt: int | None = None

    @property
    def only_task(self) -> TaskId | None:
        """The task, when it is just one."""
        if len(self.stages) != 1 or (self.index is None and self.stages[0].total != 1):
            return None
        return TaskId(self.job.id, self.stages[0].name, self.index or 0)

    @property
    def total(self) -> int:
        return 1 if self.index is not None else sum(stage.total for stage in self.stages)

    def has(self, task: TaskId) -> bool:
        return any(stage.name == task.stage for stage in self.stages) and self.index in (None, task.index)

    def of(self, job: Job) -> Part:
        """The same part of a newer picture of the job."""
        names = [stage.name for stage in self.stages]
        return replace(self, job=job, stages=tuple(stage for stage in job.stages if stage.name in names))

    def stage(self, name: str) -> Stage:
        return next(stage for stage in self.stages if stage.name == name)


def narrow(job: Job, reference: Reference) -> Part:
    """The part that `reference` names.

    Raises:
        NotFoundError: the job has no such stage or task.
    """
    if reference.stage is None:
        return Part(job, job.stages)
    stage = next((stage for stage in job.stages if stage.name == reference.stage), None)
    if stage is None:
        raise _no_stage(job, reference.stage)
    if reference.index is not None and reference.index >= stage.total:
        raise NotFoundError(
            f"there is no task {job.id}.{stage.name}.{reference.index}",
            why=_numbered(f"{job.id}.{stage.name}", stage.total),
        )
    return Part(job, (stage,), reference.index, reference.attempt)


def _numbered(stage: str, total: int) -> str:
    return f"the only task of {stage} is {stage}.0" if total == 1 else f"those of {stage} are numbered 0 to {total - 1}"


def _no_stage(job: Job, name: str) -> NotFoundError:
    names = [stage.name for stage in job.stages]
    near = get_close_matches(name, names, n=1)
    return NotFoundError(
        f"there is no stage {job.id}.{name}",
        why=f"the stages of job {job.id} are {', '.join(names)}",
        hint=f"perhaps {job.id}.{near[0]}" if near else "",
    )


def stage_state(stage: Stage) -> TaskState:
    return overall_state(stage.counts)


def state(part: Part) -> TaskState:
    """The one state of everything in a part of whole stages."""
    if len(part.stages) == len(part.job.stages):
        return part.job.state
    return overall_state(_sum(part.stages))


def _sum(stages: tuple[Stage, ...]) -> Counts:
    return Counts(**{state.value: sum(stage.counts.of(state) for stage in stages) for state in TaskState})


async def tasks(jobs: JobStore, part: Part) -> AsyncIterator[Task]:
    """All tasks of a part, in order, read in batches."""
    for stage in part.stages:
        if part.index is not None:
            for task in await jobs.tasks(part.job.id, stage=stage.name, indices=(part.index,)):
                yield task
            continue
        for first in range(0, stage.total, _BATCH):
            for task in await jobs.tasks(part.job.id, stage=stage.name, first=first, limit=_BATCH):
                yield task


async def task_state(jobs: JobStore, task_id: TaskId) -> TaskState:
    """The state of a task that is known to exist."""
    task = await jobs.task(task_id)
    assert task is not None, "a task within the bounds of its stage exists"
    return task.state


async def state_of(jobs: JobStore, part: Part) -> TaskState:
    """The one state that stands for a part, as of when its job was read; of a task as of now."""
    if part.index is not None and part.only_task is not None:
        return await task_state(jobs, part.only_task)
    return state(part)


async def first_failed(jobs: JobStore, part: Part) -> Task | None:
    """The first failed task of a part, in order; None when none failed."""
    task = await jobs.first_failed(part.job.id)
    if task is None or (part.index is None and task.id.stage == part.stages[0].name):
        return task
    return await anext((one async for one in tasks(jobs, part) if one.state is TaskState.FAILED), None)
