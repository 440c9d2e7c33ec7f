"""A grid of tasks with a cursor that walks its cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tovi_server.core import cells
from tovi_server.core.views import TaskView
from tovi_tui.jobs.grid import Grid
from tovi_tui.text.span import Line, Span, Tone
from tovi_tui.text.states import state_of
from tovi_tui.widgets.row_lines import RowLines

_WIDEST_LABEL: Final = 20
_EMPTY = Grid("", "", (), (), ())


class GridView(RowLines):
    """Only cells in sight are drawn; the columns scroll with the cursor."""

    HEADER_LINES = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1, 0)", "up", show=False),
        Binding("down,j", "move(1, 0)", "down", show=False),
        Binding("left", "move(0, -1)", "left", show=False),
        Binding("right", "move(0, 1)", "right", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home,g", "end_of(-1)", "first task", show=False),
        Binding("end,G", "end_of(1)", "last task", show=False),
    ]

    @dataclass
    class Moved(Message):
        """The cursor is on another cell, or its task changed."""

        task: TaskView | None

    @dataclass
    class Opened(Message):
        """A second click on the cell under the cursor."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.grid = _EMPTY
        self._row = 0
        self._column = 0
        self._edge_columns = 1
        self._cell_columns = 2

    @property
    def current(self) -> TaskView | None:
        """The task under the cursor; None: there is none."""
        if not self.grid.cells:
            return None
        return self.grid.cells[self._row][self._column]

    def show(self, grid: Grid) -> None:
        """Show this one, with the cursor on the task where it was."""
        task = self.current
        self.grid = grid
        self._measure()
        place = None if task is None else grid.find(task.id)
        self._move_to(*(place or (self._row, self._column)))

    def go_to(self, task: str) -> None:
        """Put the cursor on a task, if it is there."""
        if place := self.grid.find(task):
            self._move_to(*place)

    def line_count(self) -> int:
        return len(self.grid.rows)

    def line_at(self, index: int) -> Line:
        label = self.grid.column_axis if index < 0 else self.grid.rows[index]
        told = " " + f"{self.grid.row_axis if index < 0 else ''} {label}".strip()
        edge = Span(cells.cut(told, self._edge_columns - 1), Tone.DIM)
        gap = Span(" " * (self._edge_columns - cells.width(edge.text)))
        return (edge, gap, *(span for column in self._in_sight() for span in self._cell(index, column)))

    def action_move(self, rows: int, columns: int) -> None:
        self._move_to(self._row + rows, self._column + columns)

    def action_page(self, by: int) -> None:
        self.action_move(by * self.page_lines, 0)

    def action_end_of(self, side: int) -> None:
        """To the first or the last task."""
        last = len(self.grid.rows) - 1
        ended = [at for at, cell in enumerate(self.grid.cells[last]) if cell is not None] if self.grid.cells else []
        self._move_to(*((0, 0) if side < 0 else (last, max(ended, default=0))))

    def on_click(self, event: events.Click) -> None:
        index = self.index_at(event.y)
        column = (event.x - self._edge_columns) // self._cell_columns + self._in_sight().start
        if index is not None and 0 <= column < len(self.grid.columns):
            if (index, column) == (self._row, self._column) and event.chain > 1:
                self.post_message(self.Opened())
            self._move_to(index, column)

    def _move_to(self, row: int, column: int) -> None:
        self._row = max(0, min(row, len(self.grid.rows) - 1))
        self._column = max(0, min(column, len(self.grid.columns) - 1))
        self.scroll_to_line(max(self._row - self.page_lines + 1, min(self.top, self._row)))
        self.post_message(self.Moved(self.current))

    def _measure(self) -> None:
        """How wide labels and cells are: once for a grid, which may have thousands of them."""
        axes = f"{self.grid.row_axis} {self.grid.column_axis}"
        widest = max([cells.width(label) for label in self.grid.rows] + [cells.width(axes)])
        self._edge_columns = 2 + min(widest, _WIDEST_LABEL)
        self._cell_columns = 2 + min(max([cells.width(label) for label in self.grid.columns] + [1]), _WIDEST_LABEL)

    def _in_sight(self) -> range:
        fit = max(1, (self.text_columns - self._edge_columns) // self._cell_columns)
        first = max(0, self._column - fit + 1)
        return range(first, min(first + fit, len(self.grid.columns)))

    def _cell(self, row: int, column: int) -> Line:
        if row < 0:
            return (self._placed(Span(cells.cut(self.grid.columns[column], self._cell_columns - 2), Tone.DIM)),)
        task = self.grid.cells[row][column]
        mark = Span("·", Tone.DIM) if task is None else state_of(task).mark
        if (row, column) != (self._row, self._column):
            return (self._placed(mark),)
        room = " " * (self._cell_columns - 3)
        return Span(room), Span("[", Tone.ACCENT), mark, Span("]", Tone.ACCENT)

    def _placed(self, span: Span) -> Span:
        return Span(f"{' ' * (self._cell_columns - 1 - cells.width(span.text))}{span.text} ", span.tone)
