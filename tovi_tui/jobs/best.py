"""Which task of a stage did best, by the numbers that it ended with."""

from __future__ import annotations

from collections.abc import Sequence

from tovi_server.core.states import TaskState
from tovi_server.core.views import MetricsRow, TaskView
from tovi_tui.jobs.grid import varying
from tovi_tui.metrics.rows import Measure, best, measures
from tovi_tui.text.span import Line, Span, Tone, line


def best_lines(tasks: Sequence[TaskView]) -> list[Line]:
    """By the first number, as on the metrics screen; none: there are no two that are done and have it."""
    rows = [_row(task) for task in tasks if task.state == TaskState.SUCCEEDED and task.metrics]
    names = measures(rows)
    top = best(rows, Measure.usual(names[0])) if names else None
    if top is None or len(rows) < 2:
        return []
    where = "  ".join(f"{name} {top.params[name]}" for name in varying(tasks) if name in top.params)
    value = Span(f"{top.metrics[names[0]]:.6g}", Tone.GOOD)
    of = Span(f" · of {len(rows)} that are done", Tone.DIM)
    return [
        line(Span(f" best {names[0]} ", Tone.DIM), value, f"  {where}".rstrip(), Span(f"  {top.task}", Tone.DIM), of)
    ]


def _row(task: TaskView) -> MetricsRow:
    return MetricsRow(task.id, task.state, task.params, task.metrics)
