"""The queue: what waits and runs, one's own jobs first."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tovi_server.core.errors import UsageError
from tovi_server.core.ids import parse_reference
from tovi_server.core.views import JobView, News
from tovi_tui.job_list import JobList
from tovi_tui.places import JobPlace, MetricsPlace, QueuePlace, RerunPlace
from tovi_tui.screens import control, on_jobs
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text import jobs, lines_to_type
from tovi_tui.text.filter import Scope
from tovi_tui.text.glance import glance
from tovi_tui.text.order import Order
from tovi_tui.text.sought import Sought
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.field import field
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.words import Words

_REST_S: Final = 0.4
"""The cursor rests: then it is asked why its job is as it is."""
_GLANCE_S: Final = 5.0
_TICK_S: Final = 10.0
"""Times that are told as so long ago move on."""


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
        Binding("a", "ended", "ended too"),
        Binding("e", "everybody", "everybody's", show=False),
        Binding("m", "metrics", "metrics", show=False),
        Binding("f", "fetch", "what fetches the results", show=False),
        Binding("y", "copy", "copy what fetches the results", show=False),
        Binding("w", "whole", "the whole text", show=False),
    ]

    def __init__(self, place: QueuePlace) -> None:
        super().__init__()
        self._table: RowTable[JobView] = RowTable(jobs.COLUMNS, key=lambda job: job.id, look=self.look, id="main")
        self._list = JobList(lambda: self.manager, me=lambda: self.tovi.viewer.me.user, sought=Sought(place.filter))

    def body(self) -> Iterable[Widget]:
        yield Words((), id="glance")
        filter = field(self._list.sought.text, placeholder="state:running user:me tag:… name", id="filter")
        filter.display = bool(self._list.sought.text)
        yield filter
        yield self._table

    def on_mount(self) -> None:
        self.set_interval(_GLANCE_S, self._glance)
        self.set_interval(_TICK_S, self._table.draw)
        self._glance()

    def place(self) -> str:
        return self._list.sought.words

    async def load(self) -> None:
        async for _ in self._list.load():
            self._table.show(self._list.ordered())

    def news(self, news: News) -> None:
        if news.jobs is None:
            self.reload()
        elif news.jobs:
            self.work(partial(self._renew, news.jobs), busy="", group="news of jobs")

    async def _renew(self, ids: tuple[int, ...]) -> None:
        await self._list.renew(ids)
        self._table.show(self._list.ordered())

    def _glance(self) -> None:
        if self.tovi.is_watched:
            self.work(self._load_glance, busy="", group="glance")

    async def _load_glance(self) -> None:
        nodes, queues = await self.manager.nodes(), await self.manager.queues()
        now = self.look().now.astimezone(self.tovi.viewer.zone)
        time = Span(f"   {now:%H:%M %Z}", Tone.DIM)
        self.query_one("#glance", Words).show([(Span(" "), *glance(nodes, queues), time)])

    def on_row_table_moved(self) -> None:
        job = self._table.current
        if job is None:
            self._say_empty()
        else:
            self.say(f" {job.id} {job.name} · ", *jobs.note(job))
            self.set_timer(_REST_S, lambda: self._ask_why(job))

    def _ask_why(self, job: JobView) -> None:
        if job is self._table.current and job.ended_at is None:
            self.work(partial(self._why, job), busy="", group="why")

    async def _why(self, job: JobView) -> None:
        why = await self.manager.why(parse_reference(str(job.id)))
        if job is self._table.current and why.reasons:
            self.say(f" {job.id} {job.name} · ", " · ".join(reason.message for reason in why.reasons))

    def _say_empty(self) -> None:
        server = self.tovi.viewer.server
        if not self._list.sought.is_usual:
            self.say(" no job is like this; ", Span("/", Tone.ACCENT), " changes the filter")
        else:
            submit = lines_to_type.ssh(server, "submit < tovi.yaml")
            self.say(" nothing waits or runs; queue a job with  ", Span(submit, Tone.BOLD))

    def on_row_table_opened(self) -> None:
        if job := self._table.current:
            self.tovi.open(JobPlace(job.id))

    def action_open(self) -> None:
        self.on_row_table_opened()

    def action_log(self) -> None:
        if job := self._table.current:
            self.work(partial(on_jobs.open_log, self, job), busy="to its log …", group="open")

    def action_metrics(self) -> None:
        if job := self._table.current:
            self.tovi.open(MetricsPlace(job.id))

    def action_rerun(self) -> None:
        if job := self._table.current:
            self.tovi.open(RerunPlace(job.id))

    def action_cancel(self) -> None:
        if targets := on_jobs.targets(self._table.chosen):
            self.work(partial(control.cancel, self, targets), busy="", group=PERSON)

    def action_hold(self) -> None:
        if targets := on_jobs.targets(self._table.chosen):
            self.work(partial(control.hold_or_release, self, targets), busy="holding …", group="control")

    def action_sort(self) -> None:
        self._order_by(self._list.sought.order.next())

    def action_turn(self) -> None:
        self._order_by(self._list.sought.order.turned())

    def _order_by(self, order: Order) -> None:
        self._list.sought = replace(self._list.sought, order=order)
        self._table.show(self._list.ordered())
        self.show_place()

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
        """Live, as far as it makes sense yet."""
        self._list.sought = replace(self._list.sought, text=event.value.strip())
        self.show_place()
        try:
            self._list.check()
        except UsageError as error:
            self.tell_error(error)
        else:
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
            on_jobs.say_fetch(self, job)

    def action_copy(self) -> None:
        if job := self._table.current:
            self.tovi.copy(on_jobs.fetch(self, job))

    def action_whole(self) -> None:
        if job := self._table.current:
            self.work(partial(on_jobs.show_whole, self, job), busy="", group=PERSON)
