"""What can be done with a part of a job: some of its tasks, or a stage."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.states import FINAL, TaskState
from tovi_server.core.views import StageView, TaskView
from tovi_tui.screens.control import Target

_BEFORE_START = (TaskState.WAITING, TaskState.QUEUED)


def of_tasks(tasks: Sequence[TaskView]) -> list[Target]:
    """Those that have not ended."""
    return [
        Target(task.id, "", held=task.held, started=task.started_at is not None)
        for task in tasks
        if task.ended_at is None
    ]


def of_stage(stages: Sequence[StageView], name: str, tasks: Sequence[TaskView]) -> list[Target]:
    """The stage of that name, unless it has ended; it is held when each of its `tasks` is."""
    return [_whole(stage, tasks) for stage in stages if stage.name == name and stage.state not in FINAL]


def _whole(stage: StageView, tasks: Sequence[TaskView]) -> Target:
    waiting = sum(stage.tasks_by_state.get(state, 0) for state in _BEFORE_START)
    is_held = bool(tasks) and all(task.held for task in tasks)
    name = f"with its {stage.tasks_total} tasks" if stage.tasks_total > 1 else ""
    return Target(stage.id, name, held=is_held, started=not waiting)
