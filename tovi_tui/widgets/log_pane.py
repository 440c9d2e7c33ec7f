"""One log of a screen: its title, why there is no more of it, and its lines."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from tovi_server.core.ids import Reference
from tovi_tui.log_reader import MOST_MATCHES
from tovi_tui.log_source import LogSource
from tovi_tui.logs import matches
from tovi_tui.logs.title import Standing, title_of
from tovi_tui.text.span import Line
from tovi_tui.widgets.log_view import LogView
from tovi_tui.widgets.words import Words


class LogPane(Vertical):
    """Shows what its source has; the screen says when."""

    def __init__(self, source: LogSource, task: Reference) -> None:
        super().__init__()
        self.source = source
        self.reference = task
        """Of which `why` is asked."""
        self.view = LogView()
        self.is_following = True
        self.found: int | None = None
        """Which of the matches was gone to last."""
        self.state = ""
        self._paused_at = 0
        self._title, self._why = Words(()), Words()

    def compose(self) -> ComposeResult:
        yield self._title
        yield self._why
        yield self.view

    async def open_end(self) -> None:
        self.is_following, self.found = True, None
        await self.source.open_end()
        self._show(at_end=True)

    async def open_at(self, place: int, *, above: int = 0) -> None:
        self.pause()
        if not self.source.holds(place):
            await self.source.open_at(place)
        self._show(at_end=False)
        self.view.go_to(place, above=above)
        self.show_title()

    async def look(self) -> None:
        """What is new: shown while it is followed, counted while it is paused."""
        if not self.is_following:
            await self.source.measure()
        elif await self.source.latest() and self.is_following:
            self._show(at_end=True)
        self.show_title()

    async def load_older(self) -> None:
        if await self.source.older():
            self._show(at_end=False)

    async def load_newer(self) -> None:
        if await self.source.newer():
            self._show(at_end=False)
        self.show_title()

    def pause(self) -> None:
        if self.is_following:
            self.is_following, self._paused_at = False, self.source.size
        self.show_title()

    def scrolled(self, *, at_bottom: bool) -> None:
        """By the person: at the end it is followed."""
        if at_bottom and self.source.has_end:
            self.is_following = True
            self.show_title()
        else:
            self.pause()

    def beside(self, by: int) -> int | None:
        """The match after or before the last one, or after or before what is in sight."""
        origin = self.view.first_offset if self.found is None else self.found
        return matches.beside(self.source.matches, origin, by)

    def end_search(self) -> None:
        """Nothing is marked any more."""
        self.view.mark("")
        self.source.matches, self.source.searched, self.found = [], 1.0, None
        self.show_title()

    def show_state(self, state: str, why: Sequence[Line]) -> None:
        """How its task ended, or empty; and why it is as it is."""
        self.state = state
        self._why.show(why)
        self.show_title()

    def show_title(self) -> None:
        source = self.source
        standing = Standing(
            source.name,
            source.size,
            self.view.first_offset,
            is_front=self.has_class("front"),
            is_following=self.is_following,
            is_final=source.is_final,
            state=self.state,
            new_bytes=max(0, source.size - self._paused_at),
            matches=self._matches(),
            searched=source.searched,
        )
        self._title.show([title_of(standing)])

    def _show(self, *, at_end: bool) -> None:
        self.view.show(self.source.lines(), at_end=at_end)
        self.show_title()

    def _matches(self) -> str:
        found = self.source.matches
        if not self.view.wanted:
            return ""
        more = "+" if len(found) >= MOST_MATCHES else ""
        which = "" if self.found is None else f"{matches.number(found, self.found)} of "
        return f"{which}{len(found)}{more} matches"
