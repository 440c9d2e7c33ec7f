"""Why tasks ended, with numbers, and the exit code that stands for a job."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tovi_server.core.events import Usage
from tovi_server.core.ids import JobId, TaskId
from tovi_server.core.job import Counts, Stage
from tovi_server.core.reasons import EndReason
from tovi_server.core.resources import GIB, Resources
from tovi_server.core.retry import RetryPolicy
from tovi_server.core.states import TaskState
from tovi_server.core.task import Task
from tovi_server.manager import why_ended

STAGE = Stage(
    name="train",
    position=0,
    needs=(),
    total=1,
    counts=Counts(failed=1),
    next_index=0,
    rest_state=TaskState.QUEUED,
    held=False,
    request=Resources(memory_bytes=2 * GIB),
    timeout=timedelta(hours=4),
    retries=RetryPolicy(max=2),
    max_concurrent=None,
)


def _failed(reason: EndReason, code: int | None, memory: int | None = None) -> Task:
    return Task(
        id=TaskId(JobId(12), "train", 0),
        state=TaskState.FAILED,
        attempt=3,
        reason=reason,
        exit_code=code,
        usage=Usage(memory_bytes=memory),
    )


@pytest.mark.parametrize(
    ("task", "says"),
    [
        (_failed(EndReason.ERROR, 3), "exit code 3"),
        (_failed(EndReason.SIGNAL, 139), "signal 11 (SIGSEGV)"),
        (_failed(EndReason.SIGNAL, None), "a signal"),
        (_failed(EndReason.OUT_OF_MEMORY, 137, 3 * GIB), "it used 3 GiB, and asked for 2 GiB"),
        (_failed(EndReason.OUT_OF_MEMORY, 137), "asked for 2 GiB"),
        (_failed(EndReason.TIMEOUT, 143), "time limit of 4h"),
        (_failed(EndReason.SETUP_FAILED, 1), "`setup`"),
    ],
)
def test_the_sentence_has_the_number_that_matters(task: Task, says: str) -> None:
    reason = why_ended.of_task(task, STAGE)
    assert reason is not None
    assert says in reason.message


def test_the_numbers_say_how_often_it_was_tried() -> None:
    reason = why_ended.of_task(_failed(EndReason.ERROR, 3), STAGE)
    assert reason is not None
    assert (reason.data["attempts"], reason.data["attempts_allowed"]) == (3, 3)


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (_failed(EndReason.ERROR, 3), 3),
        (_failed(EndReason.ERROR, 255), 254),
        (_failed(EndReason.SIGNAL, 143), 143),
        (_failed(EndReason.OUT_OF_MEMORY, 1), 137),
        (_failed(EndReason.TIMEOUT, 143), 124),
        (_failed(EndReason.OUTPUTS_MISSING, 0), 1),
        (_failed(EndReason.NODE_LOST, None), 1),
    ],
)
def test_the_exit_code_of_a_failed_job_is_that_of_its_first_failed_task(task: Task, code: int) -> None:
    assert why_ended.exit_code(TaskState.FAILED, task) == code


@pytest.mark.parametrize(
    ("state", "code"),
    [(TaskState.SUCCEEDED, 0), (TaskState.CANCELLED, 130), (TaskState.SKIPPED, 1), (TaskState.RUNNING, None)],
)
def test_the_exit_code_of_other_jobs(state: TaskState, code: int | None) -> None:
    assert why_ended.exit_code(state, None) == code
