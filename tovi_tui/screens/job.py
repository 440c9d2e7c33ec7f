"""One job: its stages, the tasks of one of them, and one task."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget

from tovi_server.core.ids import JobId, Reference, parse_reference
from tovi_server.core.views import Details, JobView, News, StageView, TaskView
from tovi_tui.jobs.best import best_lines
from tovi_tui.jobs.graph import first_of_interest, graph_lines
from tovi_tui.jobs.told import job_lines
from tovi_tui.places import JobPlace, LogPlace, MetricsPlace, RerunPlace
from tovi_tui.screens import control, job_texts, on_jobs, on_parts
from tovi_tui.screens.control import Target
from tovi_tui.screens.frame import PERSON, ToviScreen, is_about
from tovi_tui.text.span import line
from tovi_tui.widgets.task_pane import TaskPane
from tovi_tui.widgets.task_words import TaskWords
from tovi_tui.widgets.words import Words

_MOST_TASKS: Final = 5_000
_REST_S: Final = 0.3
_MANY_TASKS: Final = 500
_MANY_REST_S: Final = 10.0


class JobScreen(ToviScreen):
    """Tab goes from stage to stage, arrows from task to task."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "log", "log"),
        Binding("l", "log", "log", show=False),
        Binding("tab", "stage(1)", "next stage"),
        Binding("shift+tab", "stage(-1)", "stage before", show=False),
        Binding("c", "cancel('job')", "cancel the job"),
        Binding("C", "cancel('task')", "cancel the task, or the marked ones", show=False),
        Binding("x", "cancel('stage')", "cancel the stage", show=False),
        Binding("h", "hold('job')", "hold or release"),
        Binding("H", "hold('task')", "hold or release the task, or the marked ones", show=False),
        Binding("X", "hold('stage')", "hold or release the stage", show=False),
        Binding("r", "rerun", "rerun"),
        Binding("m", "metrics", "metrics"),
        Binding("e", "text('note')", "edit the note", show=False),
        Binding("t", "text('tags')", "edit the tags", show=False),
        Binding("S", "text('snapshot')", "files of its code", show=False),
        Binding("v", "text('spec')", "its tovi.yaml", show=False),
        Binding("w", "whole", "why, and the task, in full", show=False),
        Binding("f", "fetch", "what fetches the results"),
        Binding("y", "copy", "copy what fetches the results", show=False),
    ]

    def __init__(self, place: JobPlace) -> None:
        super().__init__()
        self._number = place.job
        self._wanted = None if place.task is None else parse_reference(place.task)
        self._stage = "" if self._wanted is None else self._wanted.stage or ""
        self._job: JobView | None = None
        self._later: Timer | None = None
        self._pane = TaskPane(self.look)
        self._words = TaskWords(self.look, id="task")

    def body(self) -> Iterable[Widget]:
        yield Words((), id="job")
        yield Words((), id="graph")
        yield Container(self._pane, self._words, id="parts")
        yield Words(id="best")

    def place(self) -> str:
        return f"job {self._number}"

    def on_resize(self) -> None:
        self.set_class(self.size.width < 100, "narrow")
        self._show_job()

    async def load(self) -> None:
        self._later = None
        await self._load_job()
        if self._stage:
            self._show_tasks(await self.manager.show(Reference(JobId(self._number), self._stage), limit=_MOST_TASKS))
        else:
            self._pane.say(line(" its stages are not for you to see"))

    async def _load_job(self) -> None:
        self._job = (await self.manager.show(Reference(JobId(self._number)), limit=0)).job
        self._stage = self._stage or first_of_interest(self._stages)
        self._show_job()

    def news(self, news: News) -> None:
        """Thousands of tasks are not asked for each second: their counts are."""
        if not is_about(news, self._number):
            return
        if len(self._pane.tasks) <= _MANY_TASKS:
            self.reload()
            return
        self.work(self._load_job, busy="", group="job")
        self._later = self._later or self.set_timer(_MANY_REST_S, self.reload)

    def _show_job(self) -> None:
        if self._job is not None:
            self.query_one("#job", Words).show(job_lines(self._job, self.look()))
            graph = graph_lines(self._job.stages, chosen=self._stage, columns=self.size.width)
            self.query_one("#graph", Words).show(graph)

    def _show_tasks(self, details: Details) -> None:
        stage = next((one for one in details.job.stages if one.name == self._stage), None)
        if stage is not None:
            self._pane.show(stage, details.tasks, more=details.more_tasks)
        self.query_one("#best", Words).show([] if details.more_tasks else best_lines(details.tasks))
        if self._wanted is not None and self._wanted.index is not None:
            wanted = f"{self._number}.{self._stage}.{self._wanted.index}"
            self._wanted = None
            if not self._pane.go_to(wanted):
                self.say(f" {wanted} is not among the tasks that are shown here")

    def on_task_pane_moved(self, event: TaskPane.Moved) -> None:
        """What is known at once, and all of it when the cursor rests."""
        self._words.tell(event.task)
        if event.task is not None:
            self.set_timer(_REST_S, partial(self._ask_task, event.task))

    def _ask_task(self, task: TaskView) -> None:
        if self._pane.current is task:
            self.work(partial(self._load_task, task), busy="", group="task")

    async def _load_task(self, task: TaskView) -> None:
        known = await job_texts.known_of(self, task)
        if self._pane.current is task:
            self._words.know(known)

    def action_stage(self, by: int) -> None:
        names = [stage.name for stage in self._stages]
        if self._stage in names:
            self._stage = names[(names.index(self._stage) + by) % len(names)]
            self._show_job()
            self.reload()

    def on_task_pane_opened(self) -> None:
        self.action_log()

    def action_log(self) -> None:
        if task := self._pane.current:
            self.tovi.open(LogPlace((task.id, *[one.id for one in self._pane.chosen if one.id != task.id])))

    def action_metrics(self) -> None:
        self.tovi.open(MetricsPlace(self._number))

    def action_rerun(self) -> None:
        self.tovi.open(RerunPlace(self._number))

    def action_cancel(self, part: str) -> None:
        if self._job:
            control.start_cancel(self, self._targets(part))

    def action_hold(self, part: str) -> None:
        if self._job:
            control.start_hold(self, self._targets(part))

    def _targets(self, part: str) -> list[Target]:
        match part:
            case "job":
                return on_jobs.targets(self._jobs)
            case "task":
                return on_parts.of_tasks(self._pane.chosen)
            case _:
                return on_parts.of_stage(self._stages, self._stage, self._pane.tasks)

    def action_text(self, name: str) -> None:
        self._work_on_job(job_texts.NAMED[name])

    def action_whole(self) -> None:
        self._work_on_job(partial(job_texts.show_whole, of_task=self._words.told))

    def action_fetch(self) -> None:
        for job in self._jobs:
            on_jobs.say_fetch(self, job)

    def action_copy(self) -> None:
        for job in self._jobs:
            self.tovi.copy(on_jobs.fetch(self, job))

    def _work_on_job(self, doing: job_texts.OfJob) -> None:
        for job in self._jobs:
            self.work(partial(doing, self, job), busy="", group=PERSON)

    @property
    def _stages(self) -> Sequence[StageView]:
        return self._job.stages if self._job else ()

    @property
    def _jobs(self) -> list[JobView]:
        """The job, when it has come."""
        return [self._job] if self._job else []
