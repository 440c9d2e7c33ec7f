"""Tasks as rows of a table: one column for each parameter that varies."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.views import TaskView
from tovi_tui.text.columns import Column
from tovi_tui.text.lasting import lasting
from tovi_tui.text.span import Span, Tone, line
from tovi_tui.text.states import state_of


def columns(axes: Sequence[str]) -> tuple[Column[TaskView], ...]:
    return (
        Column("index", "TASK", lambda task, look: line(Span(str(task.index), Tone.DIM)), 6, right=True),
        *(_axis(name) for name in axes),
        Column("state", "STATE", lambda task, look: (state_of(task).span,), 11),
        Column("time", "TIME", lambda task, look: line(lasting(task, look)), 7, right=True, drop=2),
        Column("why", "NOTE", lambda task, look: line(task.reason.message if task.reason else ""), 8, grow=1, drop=1),
    )


def _axis(name: str) -> Column[TaskView]:
    return Column(name, name, lambda task, look: line(task.params.get(name, "")), max(6, len(name)))
