"""Records to views. All text that came from people is made safe for a terminal here, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tovi_server.core import views
from tovi_server.core.events import Usage
from tovi_server.core.job import Counts, Job, Stage
from tovi_server.core.reasons import Reason, Value
from tovi_server.core.resources import Resources
from tovi_server.core.safe import safe, safe_line
from tovi_server.core.spec import Priority, StageSpec
from tovi_server.core.states import TaskState
from tovi_server.core.task import Attempt, Task

HIDDEN = ""
"""Stands where a foreign job's name would."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a job is, why, and the exit code that stands for it; None where there is nothing to say."""

    state: TaskState
    reason: Reason | None
    exit_code: int | None


def requested(request: Resources) -> views.Requested:
    return views.Requested(
        cpu_millicores=request.cpu_millicores,
        memory_bytes=request.memory_bytes,
        disk_bytes=request.disk_bytes,
        gpus=request.gpus,
        gpu=safe_line("/".join(request.gpu_models)) or None,
    )


def line(text: str) -> str:
    """A text of one line."""
    return safe_line(text)


def text(whole: str) -> str:
    """A text of several lines."""
    return safe(whole)


def file(one: views.FileView) -> views.FileView:
    return replace(one, path=safe_line(one.path))


def dataset(one: views.DatasetView) -> views.DatasetView:
    return replace(one, name=safe_line(one.name), files=tuple(file(each) for each in one.files))


def used(usage: Usage) -> views.Used:
    return views.Used(cpu_s=usage.cpu_s, memory_bytes=usage.memory_bytes)


def by_state(counts: Counts) -> dict[str, int]:
    """Only the states that some task is in."""
    return {state.value: count for state in TaskState if (count := counts.of(state))}


def priority_word(priority: int) -> str:
    """`normal`, or the number itself when no word stands for it."""
    try:
        return Priority(priority).name.lower()
    except ValueError:
        return str(priority)


def safe_reason(reason: Reason | None) -> Reason | None:
    if reason is None:
        return None
    data = {key: _safe_value(value) for key, value in reason.data.items()}
    return Reason(str(reason.code), safe_line(reason.message), data)


def safe_texts(texts: Mapping[str, str]) -> dict[str, str]:
    return {safe_line(key): safe_line(value) for key, value in texts.items()}


def safe_metrics(metrics: Mapping[str, float]) -> dict[str, float]:
    return {safe_line(name): value for name, value in metrics.items()}


def stage(job: Job, one: Stage, state: str) -> views.StageView:
    return views.StageView(
        id=f"{job.id}.{one.name}",
        name=one.name,
        state=state,
        needs=one.needs,
        tasks_total=one.total,
        tasks_by_state=by_state(one.counts),
        max_concurrent=one.max_concurrent,
        requested=requested(one.request),
        timeout_s=_seconds(one.timeout),
    )


def planned_stage(one: StageSpec, total: int) -> views.StageView:
    """A stage of a file that nobody submitted."""
    return views.StageView(
        id=one.name,
        name=one.name,
        state=(TaskState.WAITING if one.needs else TaskState.QUEUED).value,
        needs=one.needs,
        tasks_total=total,
        tasks_by_state={},
        max_concurrent=one.max_concurrent,
        requested=requested(one.request),
        timeout_s=_seconds(one.timeout),
    )


def job(one: Job, outcome: Outcome, *, request: Resources | None) -> views.JobView:
    """Without its stages and spec. `request` stands in where the job comes without stages."""
    request = one.stages[0].request if one.stages else request
    return views.JobView(
        id=one.id,
        project=one.project,
        name=safe_line(one.name),
        user=one.user,
        state=outcome.state.value,
        held=one.held,
        reason=safe_reason(outcome.reason),
        queue=safe_line(one.queue),
        priority=priority_word(one.priority),
        tags=tuple(safe_line(tag) for tag in one.tags),
        note=safe(one.note),
        submitted_at=one.submitted_at,
        started_at=one.started_at,
        ended_at=one.ended_at,
        exit_code=outcome.exit_code,
        requested=None if request is None else requested(request),
        stages=(),
        tasks_total=one.counts.total,
        tasks_by_state=by_state(one.counts),
        snapshot=one.snapshot,
        spec=None,
    )


def foreign_job(one: Job, *, request: Resources | None) -> views.JobView:
    """What members of the server see of a foreign job: user, project, resources, state, times."""
    whole = job(one, Outcome(one.state, None, None), request=request)
    return replace(whole, name=HIDDEN, queue=HIDDEN, priority=HIDDEN, tags=(), note="", snapshot=None)


def task(one: Task, *, job: Job, stage: Stage, params: Mapping[str, str], reason: Reason | None) -> views.TaskView:
    """Without its attempts."""
    return views.TaskView(
        id=str(one.id),
        job=one.id.job,
        stage=one.id.stage,
        index=one.id.index,
        params=safe_texts(params),
        state=one.state.value,
        held=one.held or stage.held or job.held,
        reason=safe_reason(reason),
        attempt=one.attempt,
        node=one.node,
        exit_code=one.exit_code if one.state.is_final else None,
        submitted_at=job.submitted_at,
        queued_at=one.queued_at,
        started_at=one.started_at,
        ended_at=one.ended_at,
        requested=requested(stage.request),
        used=used(one.usage),
        metrics=safe_metrics(one.metrics),
    )


def attempt(one: Attempt, task: Task, *, reason: Reason | None) -> views.AttemptView:
    return views.AttemptView(
        id=f"{task.id}/{one.number}",
        attempt=one.number,
        node=one.node,
        dispatched_at=one.dispatched_at,
        started_at=one.started_at,
        ended_at=one.ended_at,
        reason=safe_reason(reason),
        exit_code=one.exit_code,
        used=used(one.usage),
    )


def event(one: views.EventView) -> views.EventView:
    return views.EventView(
        seq=one.seq,
        at=one.at,
        kind=one.kind,
        job=one.job,
        stage=one.stage,
        index=one.index,
        attempt=one.attempt,
        user=one.user,
        data={key: _safe_value(value) for key, value in one.data.items()},
    )


def _seconds(length: timedelta) -> int:
    return int(length.total_seconds())


def _safe_value(value: Value) -> Value:
    return safe_line(value) if isinstance(value, str) else value
