"""The metrics of a job's tasks, the best of them marked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tovi_server.core.ids import JobId, Reference
from tovi_server.core.views import MetricsRow, News
from tovi_tui.metrics.rows import Measure, as_tsv, best, columns, compared, measures
from tovi_tui.places import LogPlace, MetricsPlace
from tovi_tui.screens.frame import ToviScreen, is_about
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines


class MetricsScreen(ToviScreen):
    """Sorted by the chosen number; space marks tasks to compare."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "log"),
        Binding("s", "measure(1)", "by the next number"),
        Binding("S", "measure(-1)", "by the number before", show=False),
        Binding("right", "measure(1)", "by the next number", show=False),
        Binding("left", "measure(-1)", "by the number before", show=False),
        Binding("b", "better", "low or high is better"),
        Binding("y", "copy", "copy as a table"),
    ]

    def __init__(self, place: MetricsPlace) -> None:
        super().__init__()
        self._number = place.job
        self._rows: tuple[MetricsRow, ...] = ()
        self._measure: Measure | None = None
        self._table: RowTable[MetricsRow] = RowTable((), key=lambda row: row.task, look=self.look, id="main")

    def body(self) -> Iterable[Widget]:
        yield self._table
        yield TextLines((), id="compared")

    def place(self) -> str:
        if self._measure is None:
            return f"metrics of {self._number}"
        better = "low" if self._measure.lower_is_better else "high"
        return f"metrics of {self._number} · by {self._measure.name}, {better} is better"

    async def load(self) -> None:
        self._rows = await self.manager.metrics(Reference(JobId(self._number)))
        names = measures(self._rows)
        if self._measure is None or self._measure.name not in names:
            self._measure = Measure.usual(names[0]) if names else None
        self._show()

    def news(self, news: News) -> None:
        if is_about(news, self._number):
            self.reload()

    def _show(self) -> None:
        if self._measure is None:
            self._table.show(())
            self.say(
                " no task has told a number yet: its tovi.yaml names a file of them with ",
                Span("metrics: metrics.json", Tone.BOLD),
            )
            return
        top = best(self._rows, self._measure)
        self._table.show_columns(columns(self._rows, self._measure, "" if top is None else top.task))
        self._table.show(sorted(self._rows, key=self._measure.goodness, reverse=True))
        if top is None:
            self.say(f" no task has a finite {self._measure.name}")
        else:
            params = " ".join(f"{name} {value}" for name, value in top.params.items())
            self.say(f" best {self._measure.name} {top.metrics[self._measure.name]:.6g}: {top.task}  {params}")

    def on_row_table_moved(self) -> None:
        lines = [] if self._measure is None else compared(self._table.chosen, self._measure)
        self.query_one("#compared", TextLines).show(lines)

    def on_row_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if row := self._table.current:
            self.tovi.open(LogPlace((row.task,)))

    def action_measure(self, by: int) -> None:
        names = measures(self._rows)
        if self._measure is not None:
            self._measure = Measure.usual(names[(names.index(self._measure.name) + by) % len(names)])
            self._show()
            self.show_place()

    def action_better(self) -> None:
        if self._measure is not None:
            self._measure = replace(self._measure, lower_is_better=not self._measure.lower_is_better)
            self._show()
            self.show_place()

    def action_copy(self) -> None:
        self.tovi.copy(as_tsv(self._table.rows))
