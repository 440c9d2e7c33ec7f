"""Submit: a tovi.yaml is written, looked through as it is written, and queued."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from contextlib import suppress
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import TextArea

from tovi_server.api import SubmitOptions
from tovi_server.core.errors import ToviError, UnavailableError
from tovi_tui.places import JobPlace, SubmitPlace
from tovi_tui.screens import taking
from tovi_tui.screens.dialogs import Answer, Question
from tovi_tui.screens.frame import PERSON, ToviScreen
from tovi_tui.specs.draft import Draft
from tovi_tui.specs.outcome import empty_lines, outcome_lines
from tovi_tui.specs.problem import Problem, problem_lines, problem_of, read
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.text_lines import TextLines
from tovi_tui.widgets.words import Words
from tovi_tui.widgets.yaml_editor import YamlEditor


class SubmitScreen(ToviScreen):
    """The editor, and what its text would do. Its text is kept for the person, here and by the manager."""

    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (110, "-wide")]  # noqa: RUF012  # declared of instances by Textual
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "submit"),
        Binding("f5", "submit", "submit", show=False),
        Binding("f8", "next", "to the error"),
        Binding("ctrl+o", "take", "take one"),
        Binding("f4", "app.project", "project"),
        Binding("escape", "back", "out of the text"),
        Binding("enter,i", "write", "back into the text", show=False),
    ]

    def __init__(self, place: SubmitPlace) -> None:
        super().__init__()
        self._given = place.text
        self._problem: Problem | None = None
        self._pause: Timer | None = None

    def body(self) -> Iterable[Widget]:
        yield Container(YamlEditor(self._draft.text, id="main"), TextLines((), id="outcome"), id="submit")
        yield Words(id="problem")

    def place(self) -> str:
        return "submit"

    def on_mount(self) -> None:
        if self._given:
            self.put(self._given)

    async def load(self) -> None:
        """Look the text through: what can be known without the manager first."""
        text = self._draft.text
        spec = read(text)
        if not text.strip():
            self._show(None, self._empty())
        elif isinstance(spec, Problem):
            self._show(spec, (line(Span("Not yet a job.", Tone.DIM)),))
        else:
            await self._check(text, spec.project or self._project)

    def put(self, text: str) -> None:
        """A text in place of the one that is there, which comes back by undoing."""
        had = self._draft
        self._editor.put(text)
        if had.is_unsent:
            self.say(" ^z brings back what you had")

    def on_text_area_changed(self, event: TextArea.Changed) -> None:
        self._draft = self._draft.with_text(self._editor.text)
        if self._pause is not None:
            self._pause.stop()
        self._pause = self.set_timer(taking.PAUSE_S, self._rest)

    def on_yaml_editor_too_long(self) -> None:
        self.say(Span(" that is too long: a tovi.yaml has at most 1 MiB", Tone.BAD))

    def action_submit(self) -> None:
        self.work(self._submit, busy="submitting …", group="submit")

    def action_next(self) -> None:
        if self._problem is None or self._problem.mark is None:
            self.say(" no line is known to be wrong")
        else:
            self._editor.go_to(self._problem.mark)
            self._editor.focus()

    def action_take(self) -> None:
        self.work(self._take, busy="", group=PERSON)

    def action_write(self) -> None:
        self._editor.focus()

    def action_back(self) -> None:
        """First out of the text, so that the keys of everywhere work; then, asked, to the screen before."""
        if self._editor.has_focus:
            self.set_focus(None)
            self.say(" ", Span("⏎", Tone.ACCENT), " writes on · ", Span("q", Tone.ACCENT), " goes back")
        elif self._draft.is_unsent:
            self.work(self._leave, busy="", group=PERSON)
        else:
            super().action_back()

    def interrupt(self) -> None:
        """Ctrl-C copies here too, when something is selected."""
        if text := self._editor.selected_text:
            self.tovi.copy(text)
        else:
            super().interrupt()

    def _rest(self) -> None:
        self.reload()
        self.work(self.tovi.keep_draft, busy="", group="keep")

    async def _check(self, text: str, project: str) -> None:
        try:
            checked = await self.manager.check(SubmitOptions(project=project), taking.sent(text))
        except UnavailableError:
            raise
        except ToviError as error:
            self._show(problem_of(error, text), (line(Span("Not yet a job.", Tone.DIM)),))
        else:
            self._show(None, outcome_lines(checked, project))

    async def _submit(self) -> None:
        """The same text is sent under the same key until it is answered: it never becomes two jobs."""
        spec = read(self._draft.text)
        if isinstance(spec, Problem):
            self._show(spec, ())
            self.action_next()
            return
        project = spec.project or self._project
        attempt = self._draft.sending(project, secrets.token_hex(16))
        self._draft = Draft(self._draft.text, self._draft.queued, attempt)
        await self._keep()
        try:
            done = await self.manager.submit(SubmitOptions(project=project, key=attempt.key), taking.sent(attempt.text))
        except ToviError as error:
            self._editor.mark(problem_of(error, attempt.text).mark)
            raise
        self._draft = self._draft.answered(attempt)
        known = "" if done.created else ", as it was already"
        self.tell(" · ".join([f"job {done.id} is queued{known}", *done.notices]))
        self.tovi.open(JobPlace(done.id))
        await self._keep()

    async def _take(self) -> None:
        asked = await self.prompt("Take which tovi.yaml?", details=taking.EXAMPLES)
        if asked and asked.strip():
            self.put(await taking.spec_text(self.manager, asked.strip()))

    async def _leave(self) -> None:
        details = (line("Its text was not submitted. It is here again when you come back."),)
        question = Question("Leave the editor?", yes="leave it for now", other="throw the text away", details=details)
        answer = await self.ask(question)
        if answer is Answer.NO:
            return
        if answer is Answer.OTHER:
            self._draft = Draft()
        await self._keep()
        self.tovi.go_back()

    async def _keep(self) -> None:
        """As far as it can be: what cannot be kept can be submitted and left."""
        with suppress(ToviError):
            await self.tovi.keep_draft()

    def _show(self, problem: Problem | None, outcome: Iterable[Line]) -> None:
        self._problem = problem
        self._editor.mark(problem.mark if problem else None)
        self.query_one("#problem", Words).show(problem_lines(problem) if problem else ())
        self.query_one("#outcome", TextLines).show(tuple(outcome))

    def _empty(self) -> tuple[Line, ...]:
        server = self.tovi.viewer.server
        return empty_lines(
            [lines_to_type.ssh(server, "submit < tovi.yaml"), f"tar c . | {lines_to_type.ssh(server, 'submit -')}"]
        )

    @property
    def _editor(self) -> YamlEditor:
        return self.query_one(YamlEditor)

    @property
    def _project(self) -> str:
        return self.tovi.viewer.me.project

    @property
    def _draft(self) -> Draft:
        return self.tovi.draft

    @_draft.setter
    def _draft(self, draft: Draft) -> None:
        self.tovi.draft = draft
