"""The logs of one task or of several beside each other, each of any size."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input

from tovi_server.core.ids import parse_reference
from tovi_tui.places import LogPlace
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.field import field
from tovi_tui.widgets.log_pane import LogPane
from tovi_tui.widgets.log_view import LogView

_FOLLOW_S: Final = 0.5
_MOST_PANES: Final = 4
_ERRORS: Final = ("traceback", "error", "exception")
_ABOVE: Final = 3
"""So many lines stay in sight above what was found."""


class LogScreen(ToviScreen):
    """Opens at the end and follows it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("n", "match(1)", "next match"),
        Binding("N", "match(-1)", "match before", show=False),
        Binding("e", "first_error", "first error"),
        Binding("o", "stream", "out or err"),
        Binding("w", "wrap", "wrap"),
        Binding("F", "follow", "follow or pause"),
        Binding("space", "follow", "follow or pause", show=False),
        Binding("home,g", "begin", "begin", show=False),
        Binding("end,G", "end", "end", show=False),
        Binding("left_square_bracket", "attempt(-1)", "attempt before", show=False),
        Binding("right_square_bracket", "attempt(1)", "next attempt", show=False),
        Binding("tab", "other", "the other log", show=False),
        Binding("f", "fetch", "what fetches it", show=False),
        Binding("y", "copy", "copy what fetches it", show=False),
    ]
    AUTO_FOCUS = "LogView"

    def __init__(self, place: LogPlace) -> None:
        super().__init__()
        self._tasks = place.tasks[:_MOST_PANES]
        self._panes: list[LogPane] = []

    def body(self) -> Iterable[Widget]:
        search = field(placeholder="what to search for", id="search")
        search.display = False
        yield search
        self._panes = [LogPane(self.manager, parse_reference(task)) for task in self._tasks]
        yield Horizontal(*self._panes)

    def on_mount(self) -> None:
        super().on_mount()
        self.set_interval(_FOLLOW_S, self._follow)

    def place(self) -> str:
        return f"log {' '.join(self._tasks)}"

    async def load(self) -> None:
        for pane in self._panes:
            await pane.open_end()

    def _follow(self) -> None:
        """Whoever looks elsewhere, or has scrolled away, needs nothing new."""
        if self.tovi.is_watched and any(pane.is_following for pane in self._panes):
            self.work(self._load_newer, busy="", group="follow")

    async def _load_newer(self) -> None:
        for pane in self._panes:
            if pane.is_following:
                await pane.load_newer()

    def on_log_view_scrolled(self, event: LogView.Scrolled) -> None:
        pane = self._pane
        pane.is_following = event.at_bottom and pane.reader.window.has_end
        pane.show_title()
        if event.at_top:
            self.work(pane.load_older, busy="", group="scroll")
        elif event.at_bottom:
            self.work(pane.load_newer, busy="", group="scroll")

    @property
    def _pane(self) -> LogPane:
        """The one that has the keys."""
        return next((pane for pane in self._panes if pane.view.has_focus), self._panes[0])

    def action_follow(self) -> None:
        pane = self._pane
        pane.is_following = not pane.is_following
        pane.show_title()
        if pane.is_following:
            self.work(pane.open_end, busy="", group="scroll")

    def action_begin(self) -> None:
        pane = self._pane
        pane.is_following = False
        self.work(partial(pane.open_at, 0), busy="to the begin …", group="scroll")

    def action_end(self) -> None:
        self.work(self._pane.open_end, busy="to the end …", group="scroll")

    def action_stream(self) -> None:
        pane = self._pane
        pane.reader.stream = "err" if pane.reader.stream == "out" else "out"
        self.work(pane.open_end, busy="", group="scroll")

    def action_attempt(self, by: int) -> None:
        self.work(partial(self._open_attempt, self._pane, by), busy="", group="scroll")

    async def _open_attempt(self, pane: LogPane, by: int) -> None:
        details = await self.manager.show(pane.reader.task)
        newest = details.tasks[0].attempt if details.tasks else 1
        pane.reader.attempt = max(1, min((pane.reader.attempt or newest) + by, newest))
        await pane.open_end()

    def action_wrap(self) -> None:
        for pane in self._panes:
            pane.view.wrap(not pane.view.is_wrapped)

    def action_other(self) -> None:
        self._panes[(self._panes.index(self._pane) + 1) % len(self._panes)].view.focus()

    def action_search(self) -> None:
        search = self.query_one("#search", Input)
        search.display = True
        search.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        pane = self._panes[0] if len(self._panes) == 1 else self._searched
        event.input.display = False
        pane.view.focus()
        pane.is_following = False
        self.work(partial(self._search, pane, event.value), busy="searching …", group="search")

    def on_descendant_focus(self) -> None:
        if self._pane.view.has_focus:
            self._searched = self._pane

    async def _search(self, pane: LogPane, text: str) -> None:
        """Jumps to the last match that is known at once, and to others when they are known."""
        pane.view.mark(text)
        if not text:
            return
        jumped = False
        async for _ in pane.reader.search(text):
            pane.show_title()
            if pane.reader.matches and not jumped:
                jumped = True
                await self._jump(pane, 0)
        if not pane.reader.matches:
            self.say(f' "{text}" is nowhere in it')

    def action_match(self, by: int) -> None:
        pane = self._pane
        if pane.reader.matches:
            self.work(partial(self._jump, pane, pane.next_match(by)), busy="", group="scroll")

    async def _jump(self, pane: LogPane, match: int) -> None:
        pane.match = match
        pane.is_following = False
        await pane.open_at(pane.reader.matches[match], above=_ABOVE)
        self.say(f" match {match + 1} of {len(pane.reader.matches)}")

    def action_first_error(self) -> None:
        pane = self._pane
        pane.is_following = False
        self.work(partial(self._first_error, pane), busy="searching errors …", group="search")

    async def _first_error(self, pane: LogPane) -> None:
        """In err, where programs tell them, then in out."""
        for stream in ("err", "out"):
            pane.reader.stream = stream
            for word in _ERRORS:
                async for _ in pane.reader.search(word):
                    if pane.reader.matches:
                        pane.view.mark(word)
                        await self._jump(pane, 0)
                        return
        self.say(" no error is told of in err or out")
        await pane.open_end()

    def action_fetch(self) -> None:
        self.say(" fetch it:  ", Span(self._line(), Tone.BOLD), Span("   y copies it", Tone.DIM))

    def action_copy(self) -> None:
        self.tovi.copy(self._line())

    def _line(self) -> str:
        task = self._pane.reader.task
        return lines_to_type.ssh(self.tovi.viewer.server, "logs", str(task), ">", f"{task}.log")

    def action_back(self) -> None:
        """First out of a search."""
        search = self.query_one("#search", Input)
        if search.display:
            search.display = False
            self._panes[0].view.focus()
        elif self._pane.view.wanted:
            self.workers.cancel_group(self, "search")
            self._pane.view.mark("")
            self._pane.show_title()
            self.say("")
        else:
            super().action_back()
