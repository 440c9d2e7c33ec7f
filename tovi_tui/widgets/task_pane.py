"""The tasks of a stage, in the form that suits them: a grid, or a table where they vary in too much for one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message

from tovi_server.core.look import Look
from tovi_server.core.views import StageView, TaskView
from tovi_tui.jobs.grid import grid_of, varying
from tovi_tui.jobs.told import stage_line
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.text.tasks import columns
from tovi_tui.widgets.grid_view import GridView
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.words import Words


class TaskPane(Vertical):
    """Whichever form is there has the keys."""

    @dataclass
    class Moved(Message):
        """Another task is the current one."""

        task: TaskView | None

    @dataclass
    class Opened(Message):
        """Enter, or a second click, on the current task."""

    def __init__(self, look: Callable[[], Look]) -> None:
        super().__init__()
        self._tasks: tuple[TaskView, ...] = ()
        self._title = Words(())
        self._grid = GridView(id="main")
        self._table: RowTable[TaskView] = RowTable(columns(()), key=lambda task: task.id, look=look)
        self._table.display = False

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._grid
        yield self._table

    @property
    def current(self) -> TaskView | None:
        """The task under the cursor."""
        return self._table.current if self._table.display else self._grid.current

    @property
    def chosen(self) -> Sequence[TaskView]:
        """The marked tasks, of which only a table has any, else the one under the cursor."""
        if self._table.display:
            return self._table.chosen
        return () if self._grid.current is None else (self._grid.current,)

    @property
    def tasks(self) -> Sequence[TaskView]:
        """All that are shown."""
        return self._tasks

    def show(self, stage: StageView, tasks: Sequence[TaskView], *, more: int) -> None:
        """Show these; `more` are left out."""
        self._tasks = tuple(tasks)
        grid = grid_of(tasks)
        self._show_form(is_table=grid is None)
        axes = grid.title if grid else ""
        left_out = f"  and {more} more" if more else ""
        self.say((*line(" "), *stage_line(stage), *line(Span(f"  {axes}{left_out}", Tone.DIM))))
        if grid is not None:
            self._grid.show(grid)
        else:
            self._table.show_columns(columns(varying(tasks)))
            self._table.show(tasks)

    def say(self, *words: Line) -> None:
        """What stands above the tasks."""
        self._title.show(words)

    def go_to(self, task: str) -> bool:
        """Put the cursor on a task; False: it is not here."""
        self._grid.go_to(task)
        self._table.go_to(task)
        return self.current is not None and self.current.id == task

    def on_grid_view_moved(self, event: GridView.Moved) -> None:
        event.stop()
        self.post_message(self.Moved(event.task))

    def on_grid_view_opened(self, event: GridView.Opened) -> None:
        event.stop()
        self.post_message(self.Opened())

    def on_row_table_moved(self, event: RowTable.Moved) -> None:
        event.stop()
        if self._table.display:
            self.post_message(self.Moved(self._table.current))

    def on_row_table_opened(self, event: RowTable.Opened) -> None:
        event.stop()
        self.post_message(self.Opened())

    def _show_form(self, *, is_table: bool) -> None:
        if self._table.display != is_table:
            self._table.display, self._grid.display = is_table, not is_table
            (self._table if is_table else self._grid).focus()
