"""Why tasks ended, in words and numbers, and the exit code that stands for a job. Pure."""

from __future__ import annotations

import signal
from dataclasses import replace
from typing import Final

from tovi_server.core.durations import format_duration
from tovi_server.core.job import Stage
from tovi_server.core.reasons import EndReason, Reason, Value
from tovi_server.core.resources import format_bytes
from tovi_server.core.states import TaskState
from tovi_server.core.task import Attempt, Task

OUT_OF_MEMORY_CODE: Final = 137
TIMEOUT_CODE: Final = 124
CANCELLED_CODE: Final = 130
LARGEST_CODE: Final = 254


def of_task(task: Task, stage: Stage) -> Reason | None:
    """Why the newest attempt ended; None before any did, and for success."""
    if task.reason is None or task.reason is EndReason.OK:
        return None
    return Reason(task.reason.value, _sentence(task, task.reason, stage), _numbers(task, stage))


def of_attempt(attempt: Attempt, task: Task, stage: Stage) -> Reason | None:
    """Why one attempt ended, whatever became of its task; None while it is under way, and for success."""
    as_it_was = replace(
        task,
        attempt=attempt.number,
        node=attempt.node,
        reason=attempt.reason,
        message=attempt.message,
        exit_code=attempt.exit_code,
        usage=attempt.usage,
    )
    return of_task(as_it_was, stage)


def of_earlier_try(task: Task, stage: Stage) -> Reason | None:
    """Of a task that will be tried again: how the last try ended."""
    reason = of_task(task, stage)
    if reason is None:
        return None
    return replace(reason, message=f"attempt {task.attempt} of at most {stage.retries.max + 1} {reason.message}")


def of_failed(task: Task, stage: Stage | None) -> Reason | None:
    """As `of_task`, naming the task, and how many of the stage failed with it."""
    if task.reason is None:
        return None
    message = f"{task.id} {_sentence(task, task.reason, stage)}"
    numbers = _numbers(task, stage)
    if stage is not None and stage.total > 1:
        message += f"; {stage.counts.failed} of {stage.total} tasks of {stage.name} failed"
        numbers |= {"failed": stage.counts.failed, "tasks": stage.total}
    return Reason(task.reason.value, message, numbers)


def with_log_hint(reason: Reason, task: Task) -> Reason:
    """Says where to read more, when an attempt left a log."""
    return (
        replace(reason, message=f"{reason.message}; `logs {task.id} --tail 20` shows its last words")
        if task.attempt
        else reason
    )


def some_cancelled(stage: Stage) -> Reason:
    words = f"{stage.counts.cancelled} of {stage.total} tasks of {stage.name} were cancelled"
    return Reason(EndReason.CANCELLED.value, words, {"cancelled": stage.counts.cancelled, "tasks": stage.total})


def some_skipped(stage: Stage) -> Reason:
    words = (
        f"{stage.counts.skipped} of {stage.total} tasks of {stage.name} did not run: it needs {', '.join(stage.needs)}"
    )
    return Reason(EndReason.NEEDS_FAILED.value, words, {"skipped": stage.counts.skipped, "tasks": stage.total})


def of_job(state: TaskState, first_failed: Task | None, stage: Stage | None) -> Reason | None:
    """Why a final job is what it is; None when it succeeded or is not final. `stage` is that of the failed task."""
    if state is TaskState.CANCELLED:
        return Reason(EndReason.CANCELLED.value, "cancelled")
    if state is not TaskState.FAILED or first_failed is None:
        return None
    return of_failed(first_failed, stage)


def exit_code(state: TaskState, first_failed: Task | None) -> int | None:
    """What stands for a job, or a part of one, in a shell; None until it is final."""
    match state:
        case TaskState.SUCCEEDED:
            return 0
        case TaskState.CANCELLED:
            return CANCELLED_CODE
        case TaskState.FAILED:
            return 1 if first_failed is None else task_exit_code(first_failed)
        case TaskState.SKIPPED:
            return 1
        case _:
            return None


def task_exit_code(task: Task) -> int | None:
    """What stands for one task in a shell; None until it is final."""
    if not task.state.is_final:
        return None
    if task.state is TaskState.SUCCEEDED:
        return 0
    if task.state is TaskState.CANCELLED:
        return CANCELLED_CODE
    match task.reason:
        case EndReason.OUT_OF_MEMORY:
            return OUT_OF_MEMORY_CODE
        case EndReason.TIMEOUT:
            return TIMEOUT_CODE
        case _:
            return min(task.exit_code or 1, LARGEST_CODE)


def _sentence(task: Task, reason: EndReason, stage: Stage | None) -> str:
    said = _fact(task, reason, stage)
    return f"{said}: {task.message}" if task.message and task.message not in said else said


def _fact(task: Task, reason: EndReason, stage: Stage | None) -> str:
    match reason:
        case EndReason.OK:
            return "succeeded"
        case EndReason.ERROR:
            return f"ended with exit code {task.exit_code}"
        case EndReason.SIGNAL:
            return f"was ended by {signal_name(task.exit_code)}"
        case EndReason.OUT_OF_MEMORY:
            return _memory(task, stage)
        case EndReason.OUT_OF_DISK:
            return _disk(stage)
        case EndReason.TIMEOUT:
            return "reached its time limit" + (f" of {format_duration(stage.timeout)}" if stage else "")
        case EndReason.SETUP_FAILED:
            return f"could not start: `setup` ended with exit code {task.exit_code}"
        case EndReason.OUTPUTS_MISSING:
            return "succeeded, but a declared output is missing"
        case EndReason.LOG_TOO_LARGE:
            return "wrote more log than is allowed"
        case EndReason.NODE_LOST:
            return f"was lost on its machine{f' {task.node}' if task.node else ''}"
        case EndReason.START_FAILED:
            return "could not be started"
        case EndReason.CANCELLED:
            return "was cancelled"
        case EndReason.NEEDS_FAILED:
            return "did not run, because a stage that it needs did not succeed"


def _memory(task: Task, stage: Stage | None) -> str:
    peak = task.usage.memory_bytes
    words = "ran out of memory"
    if peak is not None:
        words += f": it used {format_bytes(peak)}"
    if stage is not None:
        words += f", and asked for {format_bytes(stage.request.memory_bytes)}"
    return words


def _disk(stage: Stage | None) -> str:
    words = "used more disk than it asked for"
    return words if stage is None else f"{words} ({format_bytes(stage.request.disk_bytes)})"


def signal_name(code: int | None) -> str:
    """The signal behind an exit code of 128+n, e.g. `signal 9 (SIGKILL)`."""
    number = (code or 128) - 128
    if number not in signal.valid_signals() or number <= 0:
        return "a signal"
    try:
        return f"signal {number} ({signal.Signals(number).name})"
    except ValueError:
        return f"signal {number}"


def _numbers(task: Task, stage: Stage | None) -> dict[str, Value]:
    numbers: dict[str, Value] = {"exit_code": task.exit_code, "attempts": task.attempt, "node": task.node}
    numbers["memory_peak_bytes"] = task.usage.memory_bytes
    if task.reason is EndReason.SIGNAL and task.exit_code is not None:
        numbers["signal"] = task.exit_code - 128
    if stage is not None:
        numbers["memory_asked_bytes"] = stage.request.memory_bytes
        numbers["time_limit_s"] = int(stage.timeout.total_seconds())
        numbers["attempts_allowed"] = stage.retries.max + 1
    return numbers
