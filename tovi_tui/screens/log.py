"""The logs of one task or of several, beside each other or together, each of any size."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import ClassVar, Final

from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Input

from tovi_server.core.ids import parse_reference
from tovi_server.core.views import News
from tovi_tui.log_reader import LogReader
from tovi_tui.places import LogPlace
from tovi_tui.screens.frame import ToviScreen, is_about
from tovi_tui.screens.log_looking import look_at, tell_why, turn_attempt
from tovi_tui.screens.log_search import first_error, go_to_match, search
from tovi_tui.screens.log_together import (
    MOST_LOGS,
    close_together,
    mend_together,
    open_together,
    turn_stream,
    turn_times,
)
from tovi_tui.text import lines_to_type
from tovi_tui.text.span import Span, Tone
from tovi_tui.widgets.field import field
from tovi_tui.widgets.log_pane import LogPane
from tovi_tui.widgets.log_panes import LogPanes
from tovi_tui.widgets.log_view import LogView

_LOOK_S: Final = 0.5


class LogScreen(ToviScreen):
    """Opens at the end and follows it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "search", "search"),
        Binding("n", "match(1)", "next match"),
        Binding("N", "match(-1)", "match before", show=False),
        Binding("e", "first_error", "first error"),
        Binding("o", "stream", "out, err, both"),
        Binding("t", "times", "times"),
        Binding("w", "wrap", "wrap"),
        Binding("F", "follow", "follow or pause"),
        Binding("space", "follow", "follow or pause", show=False),
        Binding("M", "together", "all together", show=False),
        Binding("home,g", "begin", "begin", show=False),
        Binding("end,G", "end", "end", show=False),
        Binding("left_square_bracket", "attempt(-1)", "attempt before", show=False),
        Binding("right_square_bracket", "attempt(1)", "next attempt", show=False),
        Binding("tab", "other(1)", "the next log", show=False),
        Binding("shift+tab", "other(-1)", "the log before", show=False),
        Binding("f", "fetch", "what fetches it", show=False),
        Binding("y", "copy", "copy what fetches it", show=False),
    ]
    AUTO_FOCUS = ""

    def __init__(self, place: LogPlace) -> None:
        super().__init__()
        self._tasks = [parse_reference(task) for task in place.tasks[:MOST_LOGS]]
        self._is_open = False

    def body(self) -> Iterable[Widget]:
        box = field(placeholder="what to search for", id="search")
        box.display = False
        yield box
        self._panes = LogPanes([LogPane(LogReader(self.manager, task), task) for task in self._tasks])
        yield self._panes

    def on_mount(self) -> None:
        self.set_interval(_LOOK_S, self._look)

    def place(self) -> str:
        return f"log {' '.join(map(str, self._tasks))}"

    async def load(self) -> None:
        """Whoever comes back from help or another screen finds it as they left it."""
        if self._is_open:
            await mend_together(self, self._panes)
            await look_at(self, self._panes.in_sight)
        elif all(task.index is not None for task in self._tasks):
            for pane in self._panes.apart:
                await pane.open_end()
                await tell_why(self, pane)
        else:
            await open_together(self, self._panes, self._tasks)
        self._is_open = True

    def news(self, news: News) -> None:
        """What had ended may go on with another attempt."""
        if any(is_about(news, task.job) for task in self._tasks):
            self.work(self._ask_again, busy="", group="look")

    async def _ask_again(self) -> None:
        for pane in self._panes.in_sight:
            await pane.look()
            await tell_why(self, pane)

    def _look(self) -> None:
        """Whoever looks elsewhere needs nothing new; nor does what has ended. A slow answer is waited for."""
        panes = [pane for pane in self._panes.in_sight if not pane.source.is_final]
        looks = any(worker.group == "look" and worker.node is self for worker in self.workers)
        if self._is_open and self.is_seen and panes and not looks:
            self.work(partial(look_at, self, panes), busy="", group="look")

    def on_log_view_scrolled(self, event: LogView.Scrolled) -> None:
        pane = self._panes.pane_of(event.view)
        pane.scrolled(at_bottom=event.at_bottom)
        if event.at_top:
            self.work(pane.load_older, busy="", group="scroll")
        elif event.at_bottom:
            self.work(pane.load_newer, busy="", group="scroll")

    def on_descendant_focus(self) -> None:
        front = next((pane for pane in self._panes.in_sight if pane.view.has_focus), None)
        if front is not None and self._panes.together is None:
            self._panes.turn_to(front)

    @property
    def _front(self) -> LogPane:
        return self._panes.front

    def action_follow(self) -> None:
        if self._front.is_following:
            self._front.pause()
        else:
            self.action_end()

    def action_begin(self) -> None:
        self.work(partial(self._front.open_at, 0), busy="to the begin …", group="scroll")

    def action_end(self) -> None:
        self.work(self._front.open_end, busy="to the end …", group="scroll")

    def action_wrap(self) -> None:
        wrap = not self._front.view.is_wrapped
        for pane in self._panes.in_sight:
            pane.view.wrap(wrap)

    def action_other(self, by: int) -> None:
        self._panes.next(by)

    def action_stream(self) -> None:
        self.work(partial(turn_stream, self, self._panes), busy="", group="scroll")

    def action_together(self) -> None:
        turn = close_together if self._panes.together else partial(open_together, references=self._tasks)
        self.work(partial(turn, self, self._panes), busy="", group="scroll")

    def action_times(self) -> None:
        self.work(partial(turn_times, self, self._panes), busy="", group="scroll")

    def action_attempt(self, by: int) -> None:
        self.work(partial(turn_attempt, self, self._front, by), busy="", group="scroll")

    def action_search(self) -> None:
        box = self.query_one("#search", Input)
        box.display = True
        box.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        self._close_search()
        if event.value:
            self.work(partial(search, self, self._front, event.value), busy="searching …", group="search")
        else:
            self._front.view.mark("")

    def action_match(self, by: int) -> None:
        pane = self._front
        self.work(partial(go_to_match, pane, pane.beside(by)), busy="", group="scroll")

    def action_first_error(self) -> None:
        pane = self._front
        if isinstance(pane.source, LogReader):
            finding = partial(first_error, self, pane, pane.source)
            self.work(finding, busy="searching errors …", group="search")
        else:
            self.say(" errors are searched in one log: M or o goes back to it")

    def action_fetch(self) -> None:
        self.say(" fetch it:  ", Span(self._line(), Tone.BOLD), Span("   y copies it", Tone.DIM))

    def action_copy(self) -> None:
        self.tovi.copy(self._line())

    def _line(self) -> str:
        words = self._front.source.words()
        return lines_to_type.ssh(self.tovi.viewer.server, "logs", *words, ">", f"{words[0]}.log")

    def action_back(self) -> None:
        """First out of a search."""
        if self.query_one("#search", Input).display:
            self._close_search()
        elif self._front.view.wanted:
            self.workers.cancel_group(self, "search")
            self._front.end_search()
            self.show_place()
        else:
            super().action_back()

    def _close_search(self) -> None:
        self.query_one("#search", Input).display = False
        self._front.view.focus()
