"""How jobs, stages and tasks look in tables."""

from __future__ import annotations

from collections.abc import Mapping

from tovi_cli.output import Column
from tovi_server.core.job_words import progress, state_text, time_taken
from tovi_server.core.look import NOTHING, asked
from tovi_server.core.states import TaskState
from tovi_server.core.views import JobView, StageView, TaskView

GREEN, RED, YELLOW, CYAN, DIM = "32", "31", "33", "36", "2"
_COLOURS: Mapping[str, str] = {
    TaskState.RUNNING: GREEN,
    TaskState.STARTING: GREEN,
    TaskState.FAILED: RED,
    TaskState.QUEUED: YELLOW,
    TaskState.WAITING: YELLOW,
    TaskState.CANCELLED: DIM,
    TaskState.SKIPPED: DIM,
    TaskState.SUCCEEDED: CYAN,
}


def _colour(view: JobView | TaskView) -> str:
    return _COLOURS.get(view.state, "")


def _reason(view: JobView | TaskView) -> str:
    return view.reason.message if view.reason else NOTHING


def _exit(view: JobView | TaskView) -> str:
    return NOTHING if view.exit_code is None else str(view.exit_code)


_ID: Column[JobView] = Column("id", "JOB")
_NAME: Column[JobView] = Column("name", "NAME")
_USER: Column[JobView] = Column("user", "USER")
_PROJECT: Column[JobView] = Column("project", "PROJECT")
_STATE: Column[JobView] = Column("state", "STATE", lambda job, look: state_text(job), _colour)
_TASKS: Column[JobView] = Column(
    "tasks_by_state", "TASKS", lambda job, look: progress(job.tasks_total, job.tasks_by_state)
)
_TIME: Column[JobView] = Column("time", "TIME", time_taken)
_ASKED: Column[JobView] = Column("requested", "ASKED", lambda job, look: asked(job.requested))
_REASON: Column[JobView] = Column("reason", "REASON", lambda job, look: _reason(job))
_SUBMITTED: Column[JobView] = Column("submitted_at", "SUBMITTED")
_EXIT: Column[JobView] = Column("exit_code", "EXIT", lambda job, look: _exit(job))

QUEUE: tuple[Column[JobView], ...] = (_ID, _NAME, _USER, _PROJECT, _STATE, _TASKS, _TIME, _ASKED, _REASON)
JOBS: tuple[Column[JobView], ...] = (_ID, _NAME, _USER, _PROJECT, _STATE, _TASKS, _SUBMITTED, _TIME, _EXIT)

STAGES: tuple[Column[StageView], ...] = (
    Column("id", "STAGE"),
    Column("state", "STATE"),
    Column("tasks_by_state", "TASKS", lambda stage, look: progress(stage.tasks_total, stage.tasks_by_state)),
    Column("needs", "NEEDS"),
    Column("requested", "ASKED", lambda stage, look: asked(stage.requested)),
    Column("timeout_s", "TIME LIMIT"),
)

CHECKED: tuple[Column[StageView], ...] = (
    Column("name", "STAGE"),
    Column("tasks_total", "TASKS"),
    *STAGES[3:],
)

TASKS: tuple[Column[TaskView], ...] = (
    Column("id", "TASK"),
    Column("state", "STATE", lambda task, look: state_text(task), _colour),
    Column("params", "PARAMS"),
    Column("node", "NODE"),
    Column("time", "TIME", time_taken),
    Column("exit_code", "EXIT", lambda task, look: _exit(task)),
    Column("reason", "REASON", lambda task, look: _reason(task)),
)
