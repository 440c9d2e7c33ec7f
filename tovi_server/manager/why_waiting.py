"""Why queued tasks wait: the scheduler's own plan, made on the picture of now, and kept until something changes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final

from scheduler import explain
from scheduler.snapshot import Node, Snapshot
from tovi_server.core.ids import JobId
from tovi_server.core.job import Job, Stage
from tovi_server.core.reasons import Reason, WaitReason
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.manager.ports import Jobs, Planner

Planned = Mapping[tuple[JobId, str], Reason]
"""By job and stage; a stage with queued tasks that is not in it starts next."""

NEXT: Final = explain.next_up()

_Moment = tuple[int, tuple[Node, ...]]


class WaitingReasons:
    """One for a process: many lists in a row cost one plan."""

    def __init__(self, jobs: Jobs, planner: Planner) -> None:
        self._jobs = jobs
        self._planner = planner
        self._one_at_a_time = asyncio.Lock()
        self._kept: tuple[_Moment, Planned] | None = None

    async def now(self) -> Planned:
        """The reasons as of the newest event."""
        async with self._one_at_a_time:
            moment = (await self._jobs.last_event(), tuple(node for node, _ in await self._jobs.nodes()))
            if self._kept is None or self._kept[0] != moment:
                self._kept = (moment, await self._plan(moment[1]))
            return self._kept[1]

    async def _plan(self, nodes: tuple[Node, ...]) -> Planned:
        snapshot = Snapshot(nodes=nodes, queues=await self._jobs.waiting(), active=await self._jobs.active())
        return await asyncio.to_thread(self._planner, snapshot)


def of_stage(job: Job, stage: Stage, planned: Planned) -> Reason | None:
    """Why the tasks of a stage that have not started wait; None when there are none."""
    if (job.held or stage.held) and stage.counts.queued + stage.counts.waiting:
        return held(str(job.id) if job.held else f"{job.id}.{stage.name}")
    if stage.counts.queued:
        return planned.get((job.id, stage.name), NEXT)
    return needs(job, stage) if stage.counts.waiting else None


def of_task(job: Job, task: Task, planned: Planned) -> Reason | None:
    """Why one task has not started; None when it has."""
    if task.state not in {TaskState.QUEUED, TaskState.WAITING}:
        return None
    stage = next(stage for stage in job.stages if stage.name == task.id.stage)
    if job.held or stage.held or task.held:
        return held(str(task.id) if task.held else str(job.id) if job.held else f"{job.id}.{stage.name}")
    return needs(job, stage) if task.state is TaskState.WAITING else planned.get((job.id, stage.name), NEXT)


def by_job(planned: Planned) -> Mapping[JobId, Reason]:
    """For lists: the reason of each job's first stage that waits."""
    found: dict[JobId, Reason] = {}
    for (job, _), reason in planned.items():
        found.setdefault(job, reason)
    return found


def needs(job: Job, stage: Stage) -> Reason:
    """Which stages must end first, and how far they are."""
    needed = [other for other in job.stages if other.name in stage.needs and other.counts.final < other.counts.total]
    words = [f"{other.name} ({other.counts.final} of {other.counts.total} tasks done)" for other in needed]
    left = sum(other.counts.total - other.counts.final for other in needed)
    return Reason(WaitReason.NEEDS, f"needs {', '.join(words)}", {"stages": ",".join(stage.needs), "tasks_left": left})


def held(held_id: str) -> Reason:
    """`held_id` is that of what is held: a job, a stage or a task."""
    return Reason(WaitReason.HELD, f"held; `release {held_id}` lets it go on")
