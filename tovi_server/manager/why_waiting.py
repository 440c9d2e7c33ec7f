"""Why tasks have not started, in words and numbers. Pure."""

from __future__ import annotations

from typing import Final

from scheduler import explain
from tovi_server.core.job import Job, Stage
from tovi_server.core.reasons import Reason, WaitReason
from tovi_server.core.states import ACTIVE, TaskState
from tovi_server.core.task import Task
from tovi_server.manager.picture import Picture, Planned

NEXT: Final = explain.next_up()


def of_stage(job: Job, stage: Stage, planned: Planned) -> Reason | None:
    """Why the tasks of a stage that have not started wait; None when there are none."""
    if (job.held or stage.held) and stage.counts.queued + stage.counts.waiting:
        return held(str(job.id) if job.held else f"{job.id}.{stage.name}")
    if stage.counts.queued:
        return planned.get((job.id, stage.name), NEXT)
    return needs(job, stage) if stage.counts.waiting else None


def of_task(job: Job, task: Task, planned: Planned) -> Reason | None:
    """Why one task has not started, or cannot go on; None when there is no reason."""
    if task.state in ACTIVE:
        return delayed(task)
    if task.state not in {TaskState.QUEUED, TaskState.WAITING}:
        return None
    stage = next(stage for stage in job.stages if stage.name == task.id.stage)
    if job.held or stage.held or task.held:
        return held(str(task.id) if task.held else str(job.id) if job.held else f"{job.id}.{stage.name}")
    return needs(job, stage) if task.state is TaskState.WAITING else planned.get((job.id, stage.name), NEXT)


def delayed(task: Task) -> Reason | None:
    """What a task that has a place waits for there; None: nothing, and it runs."""
    if task.state is TaskState.STARTING:
        words = f"it is being started on {task.node}{f': {task.message}' if task.message else ''}"
        return Reason(WaitReason.STARTING, words, {"node": task.node})
    return Reason(WaitReason.STARTING, task.message, {"node": task.node}) if task.message else None


def of_listed(job: Job, state: TaskState, picture: Picture) -> Reason | None:
    """For lists, where a job comes without its stages; None when anything of it runs, or it is final.

    None too when it is not known yet: the picture may be older than the job, or than its release.
    """
    if state is not TaskState.QUEUED:
        return None
    on_hold = held(str(job.id))
    if job.held:
        return on_hold
    reason = picture.by_job.get(job.id, NEXT) if job.id in picture.requests else None
    return None if reason == on_hold else reason


def needs(job: Job, stage: Stage) -> Reason:
    """Which stages must end first, and how far they are."""
    needed = [other for other in job.stages if other.name in stage.needs and other.counts.final < other.counts.total]
    words = [f"{other.name} ({other.counts.final} of {other.counts.total} tasks done)" for other in needed]
    left = sum(other.counts.total - other.counts.final for other in needed)
    return Reason(WaitReason.NEEDS, f"needs {', '.join(words)}", {"stages": ",".join(stage.needs), "tasks_left": left})


def held(held_id: str) -> Reason:
    """`held_id` is that of what is held: a job, a stage or a task."""
    return Reason(WaitReason.HELD, f"held; `release {held_id}` lets it go on")
