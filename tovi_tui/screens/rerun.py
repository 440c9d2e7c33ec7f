"""Rerun: a job again from its frozen code, with other parameters or only what failed."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.timer import Timer
from textual.widget import Widget

from tovi_server.api import SubmitOptions
from tovi_server.core.errors import NotFoundError, ToviError, UnavailableError
from tovi_server.core.ids import JobId, parse_reference
from tovi_server.core.spec import Spec
from tovi_server.core.spec_reader import read_spec
from tovi_server.core.states import TaskState
from tovi_server.core.views import JobView, TaskView
from tovi_tui.places import JobPlace, RerunPlace
from tovi_tui.screens import taking
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.specs.outcome import counted, outcome_lines
from tovi_tui.specs.params import Param, changed_lines, param_named, params_of, to_send
from tovi_tui.specs.problem import problem_lines, problem_of
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.param_field import ParamField
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words


class RerunScreen(ToviScreen):
    """A form with a field for each parameter, and what would be new below it."""

    AUTO_FOCUS = "Input"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "rerun", "run it again"),
        Binding("f5", "rerun", "run it again", show=False),
        Binding("f2", "only_failed", "only what failed"),
        Binding("down", "move(1)", "next field"),
        Binding("tab", "move(1)", "next field", show=False),
        Binding("up,shift+tab", "move(-1)", "field before", show=False),
    ]

    def __init__(self, place: RerunPlace) -> None:
        super().__init__()
        self._number = place.job
        self._job: JobView | None = None
        self._params: tuple[Param, ...] = ()
        self._only_failed = False
        self._pause: Timer | None = None
        self._keys: dict[tuple[object, ...], str] = {}
        """By what is sent."""

    def body(self) -> Iterable[Widget]:
        yield VerticalScroll(id="form", can_focus=False)
        yield Words(id="only")
        yield TextLines((), id="outcome")

    def place(self) -> str:
        return f"job {self._number} again"

    async def load(self) -> None:
        """The job once, and what would come of the form each time."""
        job = self._job or await self._fetch()
        self._show_only(job)
        await self._check(job)

    def on_input_changed(self) -> None:
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(taking.PAUSE_S, self.reload)

    def on_input_submitted(self) -> None:
        self.action_move(1)

    def action_move(self, by: int) -> None:
        if self._fields:
            (self.focus_next if by > 0 else self.focus_previous)("Input")

    def action_only_failed(self) -> None:
        if self._job is None or self._job.ended_at is None:
            self.say(" what failed is known when it ended")
        elif _unfinished(self._job) == 0:
            self.say(" all its tasks succeeded")
        else:
            self._only_failed = not self._only_failed
            self.reload()

    def action_rerun(self) -> None:
        self.work(self._rerun, busy="submitting …", group="submit")

    async def _fetch(self) -> JobView:
        job = (await self.manager.show(parse_reference(str(self._number)), limit=1)).job
        if job.spec is None:
            raise NotFoundError(f"job {job.id} shows you no tovi.yaml", why="it is somebody else's")
        spec = read_spec(job.spec)
        self._params = params_of(spec, await self._first_tasks(spec))
        self._job = job  # before the fields: a load that takes the place of this one does not make them again
        fields = [ParamField(one) for one in self._params]
        self.query_one("#form").mount(*fields)
        if fields:
            self.call_after_refresh(fields[0].enter)
        return job

    async def _first_tasks(self, spec: Spec) -> Sequence[TaskView]:
        """One of each stage that has parameters tells what they were."""
        stages = [parse_reference(f"{self._number}.{stage.name}") for stage in spec.stages if stage.params]
        found = [await self.manager.show(stage, limit=1) for stage in stages]
        return [task for details in found for task in details.tasks]

    async def _check(self, job: JobView) -> None:
        assert job.spec is not None, "else the job was refused"
        options = SubmitOptions(project=job.project, name=job.name, queue=job.queue, params=self._to_send)
        try:
            checked = await self.manager.check(options, taking.sent(job.spec))
        except UnavailableError:
            raise
        except ToviError as error:
            self._tell_wrong(error, job.spec)
            self._show([line(Span("Not yet a job.", Tone.DIM))])
        else:
            self._tell_right()
            self._show([*self._news(job), *outcome_lines(checked, job.project)])

    def _news(self, job: JobView) -> Iterable[Line]:
        """How the new job differs from the old one."""
        differ = changed_lines(self._params, self._typed)
        yield line(Span("Other parameters:" if differ else "The same parameters.", Tone.BOLD))
        yield from differ
        if self._only_failed:
            yield line(
                "Of these tasks only the ", Span(counted(_unfinished(job), "task"), Tone.BOLD), " that did not succeed."
            )

    async def _rerun(self) -> None:
        """The same form is sent under the same key until it is answered: it never becomes two jobs."""
        if self._job is None:
            return
        failed, params = self._only_failed, self._to_send
        key = self._keys.setdefault((failed, *params.items()), secrets.token_hex(16))
        try:
            done = await self.manager.rerun(JobId(self._number), failed=failed, params=params, key=key)
        except ToviError as error:
            self._tell_wrong(error, self._job.spec or "")
            if field := self._field_of(error):
                field.enter()
            raise
        known = "" if done.created else ", as it was already"
        self.tell(" · ".join([f"job {done.id} is queued{known}", *done.notices]))
        self.tovi.go_back()
        self.tovi.open(JobPlace(done.id))

    def _tell_wrong(self, error: ToviError, text: str) -> None:
        """At its field, or else under the form."""
        self._tell_right()
        lines = problem_lines(problem_of(error, text))
        field = self._field_of(error)
        if field is None:
            self.say(*lines[0])
        else:
            field.tell(lines)

    def _field_of(self, error: ToviError) -> ParamField | None:
        name = param_named(error, self._params)
        return next((field for field in self._fields if field.param.name == name), None)

    def _tell_right(self) -> None:
        for field in self._fields:
            field.tell(())
        self.say()

    def _show(self, lines: Sequence[Line]) -> None:
        self.query_one("#outcome", TextLines).show(lines)

    def _show_only(self, job: JobView) -> None:
        mark = "✱" if self._only_failed else " "
        which = f"only the {counted(_unfinished(job), 'task')} that did not succeed"
        self.query_one("#only", Words).show([line(Span(f" [{mark}] ", Tone.ACCENT), which)])

    @property
    def _fields(self) -> Sequence[ParamField]:
        return list(self.query(ParamField))

    @property
    def _typed(self) -> Mapping[str, str]:
        return {field.param.name: field.value for field in self._fields}

    @property
    def _to_send(self) -> Mapping[str, str]:
        return to_send(self._params, self._typed)


def _unfinished(job: JobView) -> int:
    return job.tasks_total - job.tasks_by_state.get(TaskState.SUCCEEDED, 0)
