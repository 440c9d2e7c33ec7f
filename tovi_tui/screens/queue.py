"""The queue: what waits and runs, one's own jobs first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.views import JobView, News
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import jobs
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.row_table import RowTable

_PAGE: Final = 100


class QueueScreen(ToviScreen):
    """Home."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open", "open")]

    def __init__(self) -> None:
        super().__init__()
        self._table: RowTable[JobView] = RowTable(jobs.COLUMNS, key=lambda job: job.id, look=self.look, id="main")

    def body(self) -> Iterable[Widget]:
        yield self._table

    def place(self) -> str:
        return "queue"

    async def load(self) -> None:
        page = await self.manager.jobs(JobFilter(unfinished=True), Page(limit=_PAGE))
        self._table.show(page.items)

    def news(self, news: News) -> None:
        self.reload()

    def on_row_table_moved(self) -> None:
        job = self._table.current
        if job is None:
            self.say(
                " nothing waits or runs; queue a job:  ",
                Span(f"ssh {self.tovi.viewer.ssh} submit < tovi.yaml", Tone.BOLD),
            )
        else:
            self.say(f" {job.id} {job.name} · ", *jobs.note(job))
