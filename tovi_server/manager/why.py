"""Why something waits or ended: the reasons of each part of it, most telling first."""

from __future__ import annotations

from dataclasses import replace

from tovi_server.core import views
from tovi_server.core.ids import Reference, TaskId
from tovi_server.core.job import Stage
from tovi_server.core.reasons import Reason
from tovi_server.core.states import TaskState
from tovi_server.manager import part as parts
from tovi_server.manager import present, why_ended, why_waiting
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.part import Part
from tovi_server.manager.picture import NOTHING, Planned


async def why(desk: Desk, reference: Reference) -> views.Why:
    """The reasons of what was named: of one task, or of each stage that did not simply succeed."""
    part = parts.narrow(await need_job(desk, reference.job), reference)
    planned = (await desk.pictures.now() if part.job.counts.queued else NOTHING).planned
    if part.index is not None and part.only_task is not None:
        state, reasons = await _of_task(desk, part, part.only_task, planned)
    else:
        state, reasons = parts.state(part), await _of_stages(desk, part, planned)
    shown = [present.safe_reason(reason) for reason in reasons]
    return views.Why(id=str(reference), state=state.value, reasons=tuple(one for one in shown if one is not None))


async def _of_task(desk: Desk, part: Part, task_id: TaskId, planned: Planned) -> tuple[TaskState, list[Reason]]:
    task = await desk.jobs.task(task_id)
    assert task is not None, "a task within the bounds of its stage exists"
    if task.state.is_final:
        ended = why_ended.of_task(task, part.stages[0])
        return task.state, [] if ended is None else [why_ended.with_log_hint(ended, task)]
    waits = why_waiting.of_task(part.job, task, planned)
    earlier = why_ended.of_earlier_try(task, part.stages[0])
    return task.state, [reason for reason in (waits, earlier) if reason is not None]


async def _of_stages(desk: Desk, part: Part, planned: Planned) -> list[Reason]:
    late = await desk.jobs.first_delayed(part.job.id) if part.job.counts.active else None
    reasons = []
    for stage in part.stages:
        if late is not None and late.id.stage == stage.name and (delayed := why_waiting.delayed(late)) is not None:
            reasons.append(replace(delayed, message=f"{late.id}: {delayed.message}"))
        failed = await _first_failed(desk, part, stage)
        reasons += [failed] if failed is not None else []
        waits = why_waiting.of_stage(part.job, stage, planned)
        reasons += [waits] if waits is not None else []
        if stage.counts.final == stage.total and stage.counts.cancelled:
            reasons.append(why_ended.some_cancelled(stage))
        if stage.counts.skipped:
            reasons.append(why_ended.some_skipped(stage))
    return _once(reasons)


def _once(reasons: list[Reason]) -> list[Reason]:
    """What holds the whole job is said of each of its stages."""
    return list({reason.message: reason for reason in reasons}.values())


async def _first_failed(desk: Desk, part: Part, stage: Stage) -> Reason | None:
    if not stage.counts.failed:
        return None
    task = await parts.first_failed(desk.jobs, Part(part.job, (stage,)))
    reason = None if task is None else why_ended.of_failed(task, stage)
    return reason if reason is None or task is None else why_ended.with_log_hint(reason, task)
