"""One job: its stages, the tasks of one of them, and one task."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widget import Widget

from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.views import Details, JobView, News, StageView, TaskView
from tovi_tui.jobs import told
from tovi_tui.jobs.graph import graph_lines
from tovi_tui.places import JobPlace, LogPlace, MetricsPlace, RerunPlace
from tovi_tui.screens import control, job_texts, on_jobs
from tovi_tui.screens.control import Target
from tovi_tui.screens.frame import PERSON, ToviScreen, is_about
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.task_pane import TaskPane
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words

_MOST_TASKS: Final = 5_000
_REST_S: Final = 0.3


class JobScreen(ToviScreen):
    """Tab goes from stage to stage, arrows from task to task."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "log", "log"),
        Binding("l", "log", "log", show=False),
        Binding("tab", "stage(1)", "next stage"),
        Binding("shift+tab", "stage(-1)", "stage before", show=False),
        Binding("c", "cancel", "cancel the job"),
        Binding("C", "cancel_task", "cancel the task", show=False),
        Binding("h", "hold", "hold or release"),
        Binding("r", "rerun", "rerun"),
        Binding("m", "metrics", "metrics"),
        Binding("e", "note", "edit the note", show=False),
        Binding("t", "tags", "edit the tags", show=False),
        Binding("S", "snapshot", "files of its code", show=False),
        Binding("v", "spec", "its tovi.yaml", show=False),
        Binding("w", "why", "why, in full", show=False),
        Binding("f", "fetch", "what fetches the results"),
        Binding("y", "copy", "copy what fetches the results", show=False),
    ]

    def __init__(self, place: JobPlace) -> None:
        super().__init__()
        self._number = place.job
        self._wanted = None if place.task is None else parse_reference(place.task)
        self._stage = "" if self._wanted is None else self._wanted.stage or ""
        self._job: JobView | None = None
        self._pane = TaskPane(self.look)

    def body(self) -> Iterable[Widget]:
        yield Words((), id="job")
        yield Words((), id="graph")
        yield Container(self._pane, TextLines((), id="task"), id="parts")

    def place(self) -> str:
        return f"job {self._number}"

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "narrow")
        self._show_job()

    async def load(self) -> None:
        job = (await self.manager.show(Reference(JobId(self._number)), limit=0)).job
        self._job = job
        self._stage = self._stage or _first_of_interest(job)
        self._show_job()
        if self._stage:
            self._show_tasks(await self.manager.show(self._reference, limit=_MOST_TASKS))

    def news(self, news: News) -> None:
        if is_about(news, self._number):
            self.reload()

    @property
    def _reference(self) -> Reference:
        return Reference(JobId(self._number), self._stage)

    def _show_job(self) -> None:
        if self._job is not None:
            lines = [told.job_line(self._job, self.look()), told.notes_line(self._job)]
            self.query_one("#job", Words).show([line for line in lines if line])
            graph = graph_lines(self._job.stages, chosen=self._stage, columns=self.size.width)
            self.query_one("#graph", Words).show(graph)

    def _show_tasks(self, details: Details) -> None:
        stage = next((one for one in details.job.stages if one.name == self._stage), None)
        if stage is not None:
            self._pane.show(stage, details.tasks, more=details.more_tasks)
        if self._wanted is not None and self._wanted.index is not None:
            self._pane.go_to(f"{self._number}.{self._stage}.{self._wanted.index}")
            self._wanted = None

    def on_task_pane_moved(self, event: TaskPane.Moved) -> None:
        """What is known at once, and all of it when the cursor rests."""
        if event.task is not None:
            self._show_task(event.task)
            self.set_timer(_REST_S, partial(self._ask_task, event.task))

    def _ask_task(self, task: TaskView) -> None:
        if self._pane.current is task:
            self.work(partial(self._load_task, task), busy="", group="task")

    async def _load_task(self, task: TaskView) -> None:
        details = await self.manager.show(parse_reference(task.id))
        if details.tasks and self._pane.current is task:
            self._show_task(details.tasks[0])
        await job_texts.say_why(self, task)

    def _show_task(self, task: TaskView) -> None:
        self.query_one("#task", TextLines).show(told.task_lines(task, self.look()))

    def action_stage(self, by: int) -> None:
        names = [stage.name for stage in self._job.stages] if self._job else []
        if self._stage in names:
            self._stage = names[(names.index(self._stage) + by) % len(names)]
            self.reload()

    def on_task_pane_opened(self) -> None:
        self.action_log()

    def action_log(self) -> None:
        if task := self._pane.current:
            self.tovi.open(LogPlace((task.id, *[one for one in self._pane.marked if one != task.id])))

    def action_metrics(self) -> None:
        self.tovi.open(MetricsPlace(self._number))

    def action_rerun(self) -> None:
        self.tovi.open(RerunPlace(self._number))

    def action_cancel(self) -> None:
        if self._job:
            on_jobs.cancel(self, [self._job])

    def action_cancel_task(self) -> None:
        if task := self._pane.current:
            target = Target(task.id, "", held=task.held, started=task.started_at is not None)
            self.work(partial(control.cancel, self, [target]), busy="", group=PERSON)

    def action_hold(self) -> None:
        if self._job:
            on_jobs.hold_or_release(self, [self._job])

    def action_note(self) -> None:
        if self._job:
            self.work(partial(job_texts.edit_note, self, self._job), busy="", group=PERSON)

    def action_tags(self) -> None:
        if self._job:
            self.work(partial(job_texts.edit_tags, self, self._job), busy="", group=PERSON)

    def action_snapshot(self) -> None:
        self.work(partial(job_texts.show_snapshot, self, self._number), busy="", group=PERSON)

    def action_spec(self) -> None:
        if self._job:
            self.work(partial(job_texts.show_spec, self, self._job), busy="", group=PERSON)

    def action_why(self) -> None:
        self.work(partial(job_texts.show_why, self, self._number), busy="", group=PERSON)

    def action_fetch(self) -> None:
        self.say(" fetch the results:  ", Span(self._line(), Tone.BOLD), Span("   y copies it", Tone.DIM))

    def action_copy(self) -> None:
        self.tovi.copy(self._line())

    def _line(self) -> str:
        return lines_to_type.fetch(self.tovi.viewer.server, f"jobs/{self._number}")


def _first_of_interest(job: JobView) -> str:
    """The stage that has failed tasks, else the first that is not done, else the last; empty: it has none to show."""
    stages: list[StageView] = list(job.stages)
    for wanted in ("failed", "running", "starting", "queued", "waiting"):
        for stage in stages:
            if stage.tasks_by_state.get(wanted):
                return stage.name
    return stages[-1].name if stages else ""
