"""The machines: what is free of each, what runs there, and what waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget

from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import JobId
from tovi_server.core.views import NodeView, QueueView
from tovi_tui.nodes.rows import COLUMNS, by_load, job_of, node_lines
from tovi_tui.places import JobPlace
from tovi_tui.screens.dialogs import ChoiceScreen
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.text.span import Span, Tone, line
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words

_RENEW_S: Final = 5.0
_MOST_JOBS: Final = 500


class NodesScreen(ToviScreen):
    """Which machine has room."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open", "a job that runs there"),
        Binding("s", "sort", "by name or free"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._table: RowTable[NodeView] = RowTable(COLUMNS, key=lambda node: node.name, look=self.look, id="main")
        self._users: dict[int, str] = {}
        self._by_name = True

    def body(self) -> Iterable[Widget]:
        yield Words((), id="waiting")
        yield self._table
        yield TextLines((), id="node")

    def on_mount(self) -> None:
        self.set_interval(_RENEW_S, self._renew)

    def place(self) -> str:
        return "nodes" if self._by_name else "nodes · most free first"

    def _renew(self) -> None:
        if self.is_seen:
            self.work(self.load, busy="", group="load")

    async def load(self) -> None:
        nodes, queues = await self.manager.nodes(), await self.manager.queues()
        self._table.show(by_load(nodes, by_name=self._by_name))
        self.query_one("#waiting", Words).show([line(" ", *_waiting(queues))])
        await self._ask_users(nodes)
        if not nodes:
            self.say(" no machine is known: an admin sees why with  tovi-server check")

    async def _ask_users(self, nodes: Iterable[NodeView]) -> None:
        """Whose jobs run: only of those that are new here."""
        jobs = {job_of(task) for node in nodes for task in node.tasks} - self._users.keys()
        if jobs:
            ids = tuple(map(JobId, sorted(jobs)))[:_MOST_JOBS]
            page = await self.manager.jobs(JobFilter(ids=ids, everybody=True), Page(_MOST_JOBS))
            self._users |= {job.id: job.user for job in page.items}
        self.on_row_table_moved()

    def on_row_table_moved(self) -> None:
        node = self._table.current
        self.query_one("#node", TextLines).show([] if node is None else node_lines(node, self._users, self.look()))

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
        self.reload()


def _waiting(queues: Iterable[QueueView]) -> list[Span | str]:
    told: list[Span | str] = []
    for queue in queues:
        told += [Span(f"{queue.name}: ", Tone.DIM), f"{queue.running} run, {queue.queued} wait   "]
    return told or [Span("nothing runs or waits", Tone.DIM)]
