"""A job and a task of it in words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from tovi_server.core.look import Look
from tovi_server.core.reasons import Reason
from tovi_server.core.resources import format_bytes, format_cpus
from tovi_server.core.views import AttemptView, JobView, StageView, TaskView
from tovi_tui.jobs.known import Known
from tovi_tui.text.bars import bar
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.text.states import look_of, state_of

_BAR_COLUMNS: Final = 10
_NAME_COLUMNS: Final = 8


def job_lines(job: JobView, look: Look) -> list[Line]:
    """What is known of the whole job."""
    return [one for one in (job_line(job, look), notes_line(job)) if one]


def job_line(job: JobView, look: Look) -> Line:
    """What it is, and how far."""
    counts = [f"{count} {look_of(state).word}" for state, count in job.tasks_by_state.items() if count]
    time = look.length(job.started_at or job.submitted_at, job.ended_at)
    told = f"  {time} · {', '.join(counts)}" if job.tasks_total > 1 else f"  {time}"
    return line(
        Span(f" {job.id} ", Tone.DIM), Span(job.name, Tone.BOLD), "  ", state_of(job).span, Span(told, Tone.DIM)
    )


def notes_line(job: JobView) -> Line:
    """Tags and note; nothing when there are none."""
    if not job.tags and not job.note:
        return ()
    return line(" ", *(Span(f"#{tag} ", Tone.ACCENT) for tag in job.tags), Span(job.note, Tone.DIM))


def stage_line(stage: StageView) -> Line:
    """What is asked for each of its tasks."""
    most = f" · {stage.max_concurrent} at once at most" if stage.max_concurrent else ""
    return line(Span(f"{stage.name}: {stage.tasks_total} task{'' if stage.tasks_total == 1 else 's'}{most}", Tone.BOLD))


def task_lines(task: TaskView, look: Look, known: Known) -> list[Line]:
    """All that is known of it; what is known of another task is not told."""
    if known.task != task.id:
        known = Known(task.id)
    return [
        line(Span(f"{task.id}  ", Tone.BOLD), state_of(task).span, *_tries(task)),
        *_params(task.params),
        *(line(reason.message) for reason in _reasons(task, known)),
        _field("node", f"{task.node}, {look.length(task.started_at, task.ended_at)}")
        if task.node
        else _field("node", "none yet"),
        *_amounts(task, look),
        *([_field("exit", str(task.exit_code))] if task.exit_code is not None else []),
        *(_field(name, f"{value:.6g}") for name, value in task.metrics.items()),
        *_attempts(task.attempts or known.attempts, look),
    ]


def _tries(task: TaskView) -> Line:
    return line(Span(f"  attempt {task.attempt}", Tone.DIM)) if task.attempt > 1 else ()


def _reasons(task: TaskView, known: Known) -> Sequence[Reason]:
    """Why it waits is asked for; how it ended comes with it."""
    return (known.reasons if waits(task) else ()) or ([task.reason] if task.reason else [])


def waits(task: TaskView) -> bool:
    """Whether it is still to start."""
    return task.started_at is None and task.ended_at is None


def _params(params: Mapping[str, str]) -> list[Line]:
    return [line("  ".join(f"{name} {value}" for name, value in params.items()))] if params else []


def _amounts(task: TaskView, look: Look) -> Iterator[Line]:
    """What was asked for, and used of it."""
    asked, used = task.requested, task.used
    yield _field("memory", _share(used.memory_bytes, asked.memory_bytes, format_bytes))
    ran = (task.ended_at or look.now) - task.started_at if task.started_at else None
    if used.cpu_s is not None and ran and ran.total_seconds() > 0:
        yield _field(
            "cpus", _share(100 * round(10 * used.cpu_s / ran.total_seconds()), asked.cpu_millicores, format_cpus)
        )
    else:
        yield _field("cpus", format_cpus(asked.cpu_millicores))
    if asked.gpus:
        yield _field("gpus", f"{asked.gpus} {asked.gpu or ''}".rstrip())


def _share(used: int | None, asked: int, told: Callable[[int], str]) -> str:
    return told(asked) if used is None else f"{bar(used, asked, _BAR_COLUMNS)} {told(used)} of {told(asked)}"


def _attempts(attempts: Sequence[AttemptView], look: Look) -> list[Line]:
    """A timeline: when each began, how long it went, how it ended."""
    if len(attempts) < 2:
        return []
    return [(), line(Span("attempts", Tone.BOLD)), *(_attempt(one, look) for one in attempts)]


def _attempt(one: AttemptView, look: Look) -> Line:
    how = one.reason.message if one.reason else "runs" if one.ended_at is None else "done"
    when = look.when(one.started_at or one.dispatched_at)
    return line(
        f"{one.attempt:>3}  ",
        Span(f"{when}, {one.node}, ", Tone.DIM),
        f"{look.length(one.started_at, one.ended_at)}: {how}",
    )


def _field(name: str, value: str) -> Line:
    return line(Span(f"{name:<{_NAME_COLUMNS}} ", Tone.DIM), value)
