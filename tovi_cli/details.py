"""One job or task in full, as lines for people."""

from __future__ import annotations

from datetime import timedelta

from tovi_cli.output_table import pairs
from tovi_server.core.durations import format_duration
from tovi_server.core.job_words import progress, state_text
from tovi_server.core.look import Look, asked
from tovi_server.core.resources import format_bytes
from tovi_server.core.safe import safe_line
from tovi_server.core.views import AttemptView, JobView, TaskView, Used


def job_lines(job: JobView, look: Look) -> list[str]:
    """What is known of a job; its tasks not."""
    return pairs(
        (
            ("job", _named(job)),
            ("state", state_text(job)),
            ("reason", safe_line(job.reason.message) if job.reason else ""),
            ("tasks", progress(job.tasks_total, job.tasks_by_state)),
            ("user", safe_line(job.user)),
            ("project", safe_line(job.project)),
            ("queue", safe_line(f"{job.queue}, priority {job.priority}")),
            ("tags", safe_line(" ".join(job.tags))),
            ("note", safe_line(job.note)),
            ("asked", asked(job.requested) + " a task" if job.requested else ""),
            ("submitted", look.exact(job.submitted_at)),
            ("started", look.exact(job.started_at) if job.started_at else ""),
            ("ended", look.exact(job.ended_at) if job.ended_at else ""),
            ("took", look.length(job.started_at, job.ended_at) if job.started_at else ""),
            ("exit code", "" if job.exit_code is None else str(job.exit_code)),
            ("code", f"snapshot {job.snapshot}" if job.snapshot else ""),
            ("files", f"jobs/{job.id}/"),
        )
    )


def _named(job: JobView) -> str:
    return safe_line(f"{job.id} {job.name}".strip())


def task_lines(task: TaskView, look: Look, *, only: int | None) -> list[str]:
    """What is known of a task and its attempts, or of the `only` attempt that was named."""
    lines = pairs(
        (
            ("task", task.id),
            ("state", state_text(task)),
            ("reason", safe_line(task.reason.message) if task.reason else ""),
            ("params", safe_line(" ".join(f"{name}={value}" for name, value in task.params.items()))),
            ("node", safe_line(task.node or "")),
            ("asked", asked(task.requested)),
            ("used", _used(task.used)),
            ("submitted", look.exact(task.submitted_at)),
            ("queued", look.exact(task.queued_at) if task.queued_at else ""),
            ("started", look.exact(task.started_at) if task.started_at else ""),
            ("ended", look.exact(task.ended_at) if task.ended_at else ""),
            ("took", look.length(task.started_at, task.ended_at) if task.started_at else ""),
            ("exit code", "" if task.exit_code is None else str(task.exit_code)),
            ("metrics", safe_line(" ".join(f"{name}={value:.6g}" for name, value in task.metrics.items()))),
            ("outputs", f"jobs/{task.job}/{task.stage}.{task.index}/outputs/"),
        )
    )
    for attempt in task.attempts:
        if only in {None, attempt.attempt}:
            lines += ["", *_attempt_lines(attempt, look)]
    return lines


def _attempt_lines(attempt: AttemptView, look: Look) -> list[str]:
    return pairs(
        (
            ("attempt", attempt.id),
            ("node", safe_line(attempt.node)),
            ("started", look.exact(attempt.started_at) if attempt.started_at else ""),
            ("ended", look.exact(attempt.ended_at) if attempt.ended_at else ""),
            ("took", look.length(attempt.started_at, attempt.ended_at) if attempt.started_at else ""),
            ("reason", safe_line(attempt.reason.message) if attempt.reason else ""),
            ("exit code", "" if attempt.exit_code is None else str(attempt.exit_code)),
            ("used", _used(attempt.used)),
        )
    )


def _used(used: Used) -> str:
    parts = []
    if used.cpu_s is not None:
        parts.append(f"{format_duration(timedelta(seconds=used.cpu_s))} of cpu")
    if used.memory_bytes is not None:
        parts.append(f"{format_bytes(used.memory_bytes)} memory at most")
    return ", ".join(parts)
