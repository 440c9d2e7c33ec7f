"""The machines: what is free of each, what runs there, and what waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.core.views import News, NodeView, QueueView
from tovi_tui.nodes.rows import COLUMNS, by_load, job_of, node_lines
from tovi_tui.places import JobPlace
from tovi_tui.screens.dialogs import ChoiceScreen
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words

_RENEW_S: Final = 5.0
_NEWS_S: Final = 2.0
"""Much may happen at once: what is new is asked for that long after the first of it."""
_MOST_JOBS: Final = 500


class NodesScreen(ToviScreen):
    """Which machine has room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "a job that runs there"),
        Binding("s", "sort", "by name or free"),
        Binding("w", "whole", "all of it"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._table: RowTable[NodeView] = RowTable(COLUMNS, key=lambda node: node.name, look=self.look, id="main")
        self._table.empty = [line(" no machine is known: an admin sees why with  tovi-server check")]
        self._machines: tuple[NodeView, ...] = ()
        self._users: dict[int, str] = {}
        self._by_name = True
        self._is_due = False

    def body(self) -> Iterable[Widget]:
        yield Words((), id="waiting")
        yield self._table
        yield TextLines((), id="node")

    def on_mount(self) -> None:
        self.set_interval(_RENEW_S, self._renew)

    def place(self) -> str:
        return "nodes" if self._by_name else "nodes · most free first"

    def news(self, news: News) -> None:
        if not self._is_due:
            self._is_due = True
            self.set_timer(_NEWS_S, self._hear)

    def _hear(self) -> None:
        self._is_due = False
        self._renew()

    def _renew(self) -> None:
        if self.is_seen:
            self.work(self.load, busy="", group="load")

    async def load(self) -> None:
        self._machines, queues = await self.manager.nodes(), await self.manager.queues()
        self._show()
        self.query_one("#waiting", Words).show([line(" ", *_waiting(queues))])
        await self._ask_users()

    def _show(self) -> None:
        self._table.show(by_load(self._machines, by_name=self._by_name))

    async def _ask_users(self) -> None:
        """Whose jobs run: only of those that are new here."""
        jobs = {job_of(task) for node in self._machines for task in node.tasks} - self._users.keys()
        if jobs:
            ids = tuple(map(JobId, sorted(jobs)))[:_MOST_JOBS]
            page = await self.manager.jobs(JobFilter(ids=ids, everybody=True), Page(_MOST_JOBS))
            self._users |= dict.fromkeys(ids, "") | {job.id: job.user for job in page.items}
        self.on_row_table_moved()

    def on_row_table_moved(self) -> None:
        node = self._table.current
        self.query_one("#node", TextLines).show([] if node is None else self._lines(node))

    def _lines(self, node: NodeView) -> list[Line]:
        return node_lines(node, self._users, self.look())

    def on_row_table_opened(self) -> None:
        self.action_open()

    def action_open(self) -> None:
        if (node := self._table.current) and node.tasks:
            self.work(partial(self._open_one_of, node), busy="", group=PERSON)

    async def _open_one_of(self, node: NodeView) -> None:
        question = ChoiceScreen(f"Which task on {node.name}?", node.tasks, node.tasks[0])
        task = node.tasks[0] if len(node.tasks) == 1 else await self.app.push_screen_wait(question)
        if task is not None:
            self.tovi.open(JobPlace(job_of(task), task))

    def action_sort(self) -> None:
        self._by_name = not self._by_name
        self._show()
        self.show_place()

    def action_whole(self) -> None:
        if node := self._table.current:
            self.work(lambda: self.show_text(f"Node {node.name}", self._lines(node)), busy="", group=PERSON)


def _waiting(queues: Iterable[QueueView]) -> list[Span | str]:
    told: list[Span | str] = []
    for queue in queues:
        told += [Span(f"{queue.name}: ", Tone.DIM), f"{queue.running} run, {queue.queued} wait   "]
    return told or [Span("nothing runs or waits", Tone.DIM)]
