"""What every screen has: a line above that says where one is, a note and hints below, busy states and errors."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import ClassVar, Final, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import Worker

from tovi_server.api import ManagerAPI
from tovi_server.core.errors import ToviError, UnavailableError
from tovi_server.core.look import Look
from tovi_server.core.views import News
from tovi_tui.screens.dialogs import Answer, AskScreen, PromptScreen, Question, TextScreen
from tovi_tui.screens.host import Host
from tovi_tui.text.frame import error_lines, hint_line, place_line, unanswered_line
from tovi_tui.text.span import Line, Span, Tone
from tovi_tui.widgets.words import Words

Doing = Callable[[], Coroutine[None, None, None]]
"""Begun only when it has its turn: what was never begun need not be closed."""

PERSON: Final = "person"
_LOAD: Final = "load"

RETRY_S: Final = 3.0
"""When nobody answers, it is tried again after this time."""


class ToviScreen(Screen[None], inherit_bindings=False):
    """One screen. Subclasses give `body` and `load`; their BINDINGS are what the hints and the help say."""

    AUTO_FOCUS = "#main"
    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", show=False),
        Binding("q", "back", "back", show=False),
    ]

    _failed = ""
    """The group whose error is told."""
    _retry: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """The widgets between the lines above and below. The one with the id `main` gets the keys."""
        raise NotImplementedError

    def place(self) -> str:
        """Where this is, and by which filter: enough to come to the same picture again."""
        raise NotImplementedError

    async def load(self) -> None:
        """Ask the manager and show what it says; called at the beginning and by `reload`."""

    def news(self, news: News) -> None:
        """Jobs changed, while this screen is in front; at most once a second. Mostly a `reload`."""

    @property
    def tovi(self) -> Host:
        return cast("Host", self.app)

    @property
    def manager(self) -> ManagerAPI:
        return self.tovi.manager

    @property
    def is_seen(self) -> bool:
        """Whether nothing but questions is above it, in a window that is in front; else timers need not work."""
        stack = self.app.screen_stack  # Textual's `is_current` holds for the screen below the one in front too
        above = stack[stack.index(self) + 1 :] if self in stack else stack
        return self.tovi.is_watched and all(screen.is_modal for screen in above)

    def look(self) -> Look:
        """How times appear now."""
        return self.tovi.viewer.look()

    def compose(self) -> ComposeResult:
        yield Words(place_line(self.tovi.viewer, self.place()), id="place")
        yield Vertical(*self.body(), id="body")
        yield Words(id="errors")
        yield Words((), id="note")
        yield Words((), id="hints")

    def on_resize(self) -> None:
        self.show_hints()

    def on_screen_resume(self) -> None:
        self.reload()

    def reload(self) -> None:
        """Load again; when nobody answers, again and again until somebody does."""
        self.work(self.load, busy="loading …", group=_LOAD)

    def work(self, doing: Doing, *, busy: str, group: str) -> None:
        """Do something with the manager while keys go on; what fails is told. It takes the place of its group.

        What waits for an answer of the person is of the group PERSON.
        """

        async def begun() -> None:
            try:
                await self._done(doing, busy, group)
            except NoMatches:
                if self in self.app.screen_stack:
                    raise  # else the screen was closed meanwhile, and its widgets are gone

        _: Worker[None] = self.run_worker(begun, group=group, exclusive=True)

    async def ask(self, question: Question) -> Answer:
        """Ask the person, from within `work`."""
        return await self.app.push_screen_wait(AskScreen(question))

    async def show_text(self, what: str, lines: Sequence[Line]) -> None:
        """A text to read, until a key is pressed; from within `work`."""
        await self.app.push_screen_wait(TextScreen(what, lines))

    async def prompt(self, what: str, *, text: str = "", details: Sequence[Line] = ()) -> str | None:
        """Ask for a line of text, from within `work`; None when it was left."""
        return await self.app.push_screen_wait(PromptScreen(what, text=text, details=details))

    def say(self, *spans: Span | str) -> None:
        """The line under the body."""
        note = tuple(span if isinstance(span, Span) else Span(span) for span in spans)
        self.query_one("#note", Words).show([note])

    def tell(self, text: str) -> None:
        """Something that was done, for a moment."""
        self.tovi.tell(text)

    def show_place(self) -> None:
        """Say again where this is."""
        self.query_one("#place", Words).show([place_line(self.tovi.viewer, self.place())])

    def show_hints(self) -> None:
        """The keys of this screen, from its bindings."""
        self.query_one("#hints", Words).show([hint_line(self._hinted(), self.size.width)])

    def action_back(self) -> None:
        """To the screen before; from the first one, out."""
        self.tovi.go_back()

    def interrupt(self) -> None:
        """Ctrl-C."""
        self.tovi.leave()

    async def _done(self, doing: Doing, busy: str, group: str) -> None:
        if busy:
            place = place_line(self.tovi.viewer, self.place())
            self.query_one("#place", Words).show([(*place, Span(f"  {busy}", Tone.DIM))])
        is_asked = group != _LOAD and (bool(busy) or group == PERSON)
        try:
            await doing()
        except ToviError as error:
            if isinstance(error, UnavailableError) and not is_asked:
                self._try_again(error)
            else:
                self._failed = group
                self.query_one("#errors", Words).show(error_lines(error))
        else:
            self._forget_error(group, is_asked=is_asked)
        if busy:
            self.show_place()

    def _try_again(self, error: ToviError) -> None:
        """What is shown stays, with a banner; one timer, however many loads failed."""
        self._failed = _LOAD
        self.query_one("#errors", Words).show([unanswered_line(error)])
        if self._retry is not None:
            self._retry.stop()
        self._retry = self.set_timer(RETRY_S, self.reload)

    def _forget_error(self, group: str, *, is_asked: bool) -> None:
        """What comes by itself, such as a load, takes away only what the same had told."""
        if is_asked or group == self._failed:
            self._failed = ""
            self.query_one("#errors", Words).show(())

    def _hinted(self) -> Sequence[tuple[str, str]]:
        bindings = [binding for _, binding in self._bindings if binding.show]
        return [(self.app.get_key_display(binding), binding.description) for binding in bindings]


def is_about(news: News, job: int) -> bool:
    """Whether something may have happened to this job."""
    return news.jobs is None or job in news.jobs
