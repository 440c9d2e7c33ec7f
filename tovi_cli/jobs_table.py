"""How jobs, stages and tasks look in tables."""

from __future__ import annotations

from collections.abc import Mapping

from tovi_cli.look import NOTHING, Look, asked
from tovi_cli.output import Column
from tovi_server.core.states import FINAL, TaskState
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
_NOT_STARTED = frozenset({TaskState.WAITING, TaskState.QUEUED})


def state_text(view: JobView | TaskView) -> str:
    """The state, or `held` where that is what keeps it from starting."""
    return "held" if view.held and view.state in _NOT_STARTED else view.state


def progress(total: int, by_state: Mapping[str, int]) -> str:
    """`38/60, 2 failed`: how many ended, of how many."""
    ended = sum(by_state.get(state, 0) for state in FINAL)
    failed = by_state.get(TaskState.FAILED, 0)
    return f"{ended}/{total}" + (f", {failed} failed" if failed else "")


def time_taken(job: JobView | TaskView, look: Look) -> str:
    """How long it ran, or has waited."""
    return look.length(job.started_at or job.submitted_at, job.ended_at)


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
