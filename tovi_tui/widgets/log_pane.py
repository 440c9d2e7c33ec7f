"""One log of a screen: its title, and its lines."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical

from tovi_server.api import ManagerAPI
from tovi_server.core.ids import Reference
from tovi_server.core.resources import format_bytes
from tovi_tui.log_reader import LogReader
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.widgets.log_view import LogView
from tovi_tui.widgets.words import Words


class LogPane(Vertical):
    """Shows what its reader reads; the screen says when."""

    def __init__(self, manager: ManagerAPI, task: Reference) -> None:
        super().__init__()
        self.reader = LogReader(manager, task)
        self.view = LogView()
        self.is_following = True
        self.match = 0
        """Which of the matches was gone to last."""
        self._title = Words(())

    def compose(self) -> ComposeResult:
        yield self._title
        yield self.view

    async def open_end(self) -> None:
        self.is_following = True
        await self.reader.open_end()
        self._show(at_end=True)

    async def open_at(self, offset: int, *, above: int = 0) -> None:
        window = self.reader.window
        if not window.start <= offset < window.end:
            await self.reader.open_at(offset)
        self._show(at_end=False)
        self.view.go_to(offset, above=above)
        self.show_title()

    async def load_newer(self) -> None:
        at_end = self.is_following
        if await self.reader.newer():
            self._show(at_end=at_end)
        else:
            self.show_title()

    async def load_older(self) -> None:
        if await self.reader.older():
            self._show(at_end=False)

    def next_match(self, by: int) -> int:
        """The one after or before, round about."""
        return (self.match + by) % len(self.reader.matches)

    def show_title(self) -> None:
        self._title.show([self._told()])

    def _show(self, *, at_end: bool) -> None:
        self.view.show(self.reader.window.lines(), at_end=at_end)
        self.show_title()

    def _told(self) -> Line:
        reader, window = self.reader, self.reader.window
        attempt = "" if reader.attempt is None else f" attempt {reader.attempt}"
        where = f" · {format_bytes(window.size)}"
        if not window.size:
            where = " · nothing is written yet"
        elif not self.is_following:
            where += f" · at {100 * self.view.first_offset // window.size} %"
        searched = "" if reader.searched >= 1 else f" · searched {round(100 * reader.searched)} %"
        found = f" · {len(reader.matches)} matches" if self.view.wanted else ""
        doing = "ended" if window.is_final else "following" if self.is_following else "paused"
        return line(
            Span(f" {reader.task}", Tone.BOLD),
            f" {reader.stream}{attempt}",
            Span(f"{where}{searched}{found}", Tone.DIM),
            Span(f" · {doing}", Tone.DIM if window.is_final else Tone.BUSY),
        )
