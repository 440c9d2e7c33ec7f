"""The queue: what waits and runs, one's own jobs first."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tovi_server.core.views import JobView, News
from tovi_tui.job_list import FRESH, MOST, JobList
from tovi_tui.places import JobPlace, MetricsPlace, Place, QueuePlace, RerunPlace
from tovi_tui.screens import control, job_columns, on_jobs
from tovi_tui.screens.foot import Foot
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.screens.glance_line import GlanceLine
from tovi_tui.text import jobs
from tovi_tui.text.empty import no_jobs
from tovi_tui.text.filter import Scope
from tovi_tui.text.order import Order, kept_order
from tovi_tui.text.sought import Sought
from tovi_tui.widgets.field import field
from tovi_tui.widgets.row_table import RowTable

TICK_S: Final = 10.0
"""Times that are told as so long ago move on."""
_ORDER: Final = "order"
"""The wish that names it."""


class QueueScreen(ToviScreen):
    """Home."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "open"),
        Binding("l", "log", "log"),
        Binding("c", "cancel", "cancel"),
        Binding("h", "hold", "hold or release"),
        Binding("r", "rerun", "rerun"),
        Binding("slash", "filter", "filter"),
        Binding("s", "sort", "sort"),
        Binding("S", "turn", "sort the other way", show=False),
        Binding("C", "columns", "columns", show=False),
        Binding("a", "ended", "ended too"),
        Binding("e", "everybody", "everybody's", show=False),
        Binding("m", "metrics", "metrics", show=False),
        Binding("f", "fetch", "what fetches the results", show=False),
        Binding("y", "copy", "copy what fetches the results", show=False),
        Binding("w", "whole", "the whole text", show=False),
    ]

    def __init__(self, place: QueuePlace) -> None:
        super().__init__()
        sought, now = Sought(place.filter), lambda: self.tovi.viewer.clock()
        self._list = JobList(lambda: self.manager, me=lambda: self.tovi.viewer.me.user, sought=sought, now=now)
        self._table: RowTable[JobView] = RowTable(
            jobs.COLUMNS, key=lambda job: job.id, look=self.look, is_fresh=self._list.is_fresh, id="main"
        )
        self._glance = GlanceLine(self)
        self._foot = Foot(self, lambda: self._table.current)
        self._is_fading = False

    def body(self) -> Iterable[Widget]:
        yield self._glance.words
        filter = field(self._list.sought.text, placeholder="state:running user:me tag:… name", id="filter")
        filter.display = bool(self._list.sought.text)
        yield filter
        yield self._table

    def on_mount(self) -> None:
        self._table.show_columns(job_columns.remembered(self.tovi.wishes))
        order = kept_order(self.tovi.wishes.get(_ORDER, ""))
        self._list.sought = replace(self._list.sought, order=order)
        self._glance.begin()
        self.set_interval(TICK_S, self._tick)

    def on_screen_resume(self) -> None:
        self._glance.ask()

    def place(self) -> str:
        return self._list.sought.words + (f" · the first {MOST:,}" if self._list.is_cut else "")

    async def load(self) -> None:
        async for _ in self._list.load():
            self._show()

    def news(self, news: News) -> None:
        if news.jobs is None:
            self.reload()
        elif news.jobs:
            self._list.due(news.jobs)
            if not self._list.is_renewing:
                self.work(self._renew, busy="", group="news of jobs")

    async def _renew(self) -> None:
        await self._list.renew()
        self._show()
        if not self._is_fading:
            self._is_fading = True
            self.set_timer(FRESH.total_seconds(), self._fade)

    def _fade(self) -> None:
        """What changed some time ago no longer looks so; one look serves all that changed meanwhile."""
        self._table.draw()
        self._is_fading = self._list.has_fresh
        if self._is_fading:
            self.set_timer(FRESH.total_seconds(), self._fade)

    def _show(self) -> None:
        self._table.empty = no_jobs(self._list.sought, self.tovi.viewer.server)
        self._table.show(self._list.ordered())

    def _tick(self) -> None:
        if self.is_seen:
            self._table.draw()

    def on_row_table_moved(self) -> None:
        self._foot.follow()

    def on_row_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        self._open(JobPlace)

    def action_metrics(self) -> None:
        self._open(MetricsPlace)

    def action_rerun(self) -> None:
        self._open(RerunPlace)

    def _open(self, place: Callable[[int], Place]) -> None:
        if job := self._table.current:
            self.tovi.open(place(job.id))

    def action_log(self) -> None:
        if job := self._table.current:
            self.work(partial(on_jobs.open_log, self, job), busy="to its log …", group="open")

    def action_cancel(self) -> None:
        if chosen := self._table.chosen:
            control.start_cancel(self, on_jobs.targets(chosen))

    def action_hold(self) -> None:
        if chosen := self._table.chosen:
            control.start_hold(self, on_jobs.targets(chosen))

    def action_sort(self) -> None:
        self._order_by(self._list.sought.order.next())

    def action_turn(self) -> None:
        self._order_by(self._list.sought.order.turned())

    def _order_by(self, order: Order) -> None:
        self._list.sought = replace(self._list.sought, order=order)
        self._show()
        self.show_place()
        self.work(partial(self.tovi.set, _ORDER, order.kept), busy="", group="order")

    def action_columns(self) -> None:
        self.work(partial(job_columns.choose, self, self._table), busy="", group=PERSON)

    def action_ended(self) -> None:
        self._look_for(replace(self._list.sought.scope, ended=not self._list.sought.scope.ended))

    def action_everybody(self) -> None:
        self._look_for(replace(self._list.sought.scope, everybody=not self._list.sought.scope.everybody))

    def _look_for(self, scope: Scope) -> None:
        self._list.sought = replace(self._list.sought, scope=scope)
        self.reload()

    def action_filter(self) -> None:
        filter = self.query_one("#filter", Input)
        filter.display = True
        filter.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Live; what cannot be meant yet is told in place."""
        self._list.sought = replace(self._list.sought, text=event.value.strip())
        self.show_place()
        self.reload()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.input.display = bool(event.value.strip())
        self._table.focus()

    def action_back(self) -> None:
        """First out of the filter."""
        filter = self.query_one("#filter", Input)
        if filter.display:
            filter.value = ""
            filter.display = False
            self._table.focus()
        else:
            super().action_back()

    def action_fetch(self) -> None:
        if job := self._table.current:
            self._foot.say_fetch(job)

    def action_copy(self) -> None:
        if job := self._table.current:
            self.tovi.copy(on_jobs.fetch(self, job))

    def action_whole(self) -> None:
        if job := self._table.current:
            self.work(partial(on_jobs.show_whole, self, job), busy="", group=PERSON)
