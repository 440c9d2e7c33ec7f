"""The tasks of a stage as a grid: rows and columns are the parameters that vary, a cell is a task."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tovi_server.core.views import TaskView

_ARRAY_COLUMNS: Final = 20
_MOST_CELLS_A_TASK: Final = 4
"""A grid with more empty cells, as of parameters drawn at random, is easier to read as a table."""


@dataclass(frozen=True, slots=True)
class Grid:
    """`cells[row][column]`; None where there is no task."""

    row_axis: str
    column_axis: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[TaskView | None, ...], ...]

    @property
    def title(self) -> str:
        """The axes by name."""
        return " × ".join(axis for axis in (self.row_axis, self.column_axis) if axis)

    def find(self, task: str) -> tuple[int, int] | None:
        """Where a task is, by its id."""
        for at, row in enumerate(self.cells):
            for beside, cell in enumerate(row):
                if cell is not None and cell.id == task:
                    return at, beside
        return None


def grid_of(tasks: Sequence[TaskView]) -> Grid | None:
    """Of tasks that vary in two parameters, in one, or by their number alone; None: a table suits them better."""
    axes = varying(tasks)
    if len(axes) > 2:
        return None
    if not axes:
        return _array(tasks)
    if len(axes) == 1:
        return _crossed(tasks, "", axes[0])
    return None if _is_sparse(tasks, axes) else _crossed(tasks, axes[0], axes[1])


def varying(tasks: Sequence[TaskView]) -> list[str]:
    """The parameters that are not the same in all tasks, in the file's order."""
    names = dict.fromkeys(name for task in tasks for name in task.params)
    return [name for name in names if len({task.params.get(name) for task in tasks}) > 1]


def values(tasks: Sequence[TaskView], axis: str) -> tuple[str, ...]:
    """What a parameter takes: by size where all are numbers, else as they come."""
    found = list(dict.fromkeys(task.params.get(axis, "") for task in tasks))
    try:
        return tuple(sorted(found, key=float))
    except ValueError:
        return tuple(found)


def _is_sparse(tasks: Sequence[TaskView], axes: Sequence[str]) -> bool:
    whole = math.prod(len({task.params.get(axis, "") for task in tasks}) for axis in axes)
    return whole > _MOST_CELLS_A_TASK * len(tasks)


def _crossed(tasks: Sequence[TaskView], row_axis: str, column_axis: str) -> Grid:
    rows = values(tasks, row_axis) if row_axis else ("",)
    columns = values(tasks, column_axis)
    placed = {(task.params.get(row_axis, ""), task.params.get(column_axis, "")): task for task in tasks}
    if len(placed) < len(tasks):  # the same parameters more than once
        return _array(tasks)
    cells = tuple(tuple(placed.get((row, column)) for column in columns) for row in rows)
    return Grid(row_axis, column_axis, rows, columns, cells)


def _array(tasks: Sequence[TaskView]) -> Grid:
    """Row after row, by number."""
    chunks = [tasks[at : at + _ARRAY_COLUMNS] for at in range(0, len(tasks), _ARRAY_COLUMNS)]
    most = len(chunks[0]) if chunks else 0
    cells = tuple((*chunk, *[None] * (most - len(chunk))) for chunk in chunks)
    return Grid("", "", tuple(str(chunk[0].index) for chunk in chunks), tuple("" for _ in range(most)), cells)
