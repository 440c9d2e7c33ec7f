"""A table of views with a cursor and marks. The cursor stays on its row, whatever comes and goes around it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import ClassVar, Generic, TypeVar

from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message

from tovi_server.core.look import Look
from tovi_tui.text.columns import Column, fitted, header, row_line
from tovi_tui.text.span import Line, Span, Tone
from tovi_tui.widgets.row_lines import PLAIN, RowLines

T = TypeVar("T")

_EDGE = 2
"""Columns left of the row for the cursor or the mark."""


class RowTable(RowLines, Generic[T]):
    """Rows of type T, each with a key that stays the same when the row changes."""

    HEADER_LINES = 1

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "a page up", show=False),
        Binding("pagedown", "page(1)", "a page down", show=False),
        Binding("home,g", "end_of(-1)", "first row", show=False),
        Binding("end,G", "end_of(1)", "last row", show=False),
        Binding("space", "mark", "mark", show=False),
        Binding("enter", "open", "open", show=False),
    ]

    class Moved(Message):
        """The cursor is on another row, or its row changed."""

    class Opened(Message):
        """Enter, or a second click, on the row under the cursor."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        *,
        key: Callable[[T], Hashable],
        look: Callable[[], Look],
        is_fresh: Callable[[T], bool] = lambda _: False,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.rows: tuple[T, ...] = ()
        self.empty: Sequence[Line] = ()
        """What stands there when there is no row."""
        self.marked: frozenset[Hashable] = frozenset()
        """Keys of the rows that are marked."""
        self._columns = tuple(columns)
        self._key = key
        self._look_now = look
        self._is_fresh = is_fresh
        self._cursor = 0

    @property
    def current(self) -> T | None:
        """The row under the cursor; None when there is no row."""
        return self.rows[self._cursor] if self.rows else None

    @property
    def chosen(self) -> tuple[T, ...]:
        """The marked rows, or else the one under the cursor."""
        marked = tuple(row for row in self.rows if self._key(row) in self.marked)
        return marked or (() if self.current is None else (self.current,))

    def show(self, rows: Sequence[T]) -> None:
        """Show these rows; cursor and lines in sight stay with what they were on, or near its place.

        At the very top new rows are seen to come.
        """
        old, before = self.rows, self.current
        self.rows = tuple(rows)
        keys, had = ([self._key(row) for row in some] for some in (self.rows, old))
        if keys and keys == had:
            self.draw_lines(at for at, row in enumerate(self.rows) if row is not old[at])
        else:
            self.marked &= frozenset(keys)
            self._stay_on(None if before is None else self._key(before), keys)
        self.post_message(self.Moved())

    def _stay_on(self, key: Hashable, keys: Sequence[Hashable]) -> None:
        """Keep cursor and lines in sight with the row of that key, or near their place when it is gone."""
        was, was_at_top = self._cursor, self.top == 0
        if key in keys:
            self._cursor = keys.index(key)
            self.top += 0 if was_at_top else self._cursor - was
        else:
            self._cursor = max(0, min(was, len(keys) - 1))
        self._keep_in_sight()

    def show_columns(self, columns: Sequence[Column[T]]) -> None:
        """Other columns for the same rows."""
        self._columns = tuple(columns)
        self.draw()

    def go_to(self, key: Hashable) -> None:
        """Put the cursor on the row with that key, if it is there."""
        for at, row in enumerate(self.rows):
            if self._key(row) == key:
                self._move_to(at)

    def line_count(self) -> int:
        return len(self.rows)

    def line_at(self, index: int) -> Line:
        columns = fitted(self._columns, self.text_columns - _EDGE)
        if index < 0:
            return (Span(" " * _EDGE), *header(columns))
        return (self._edge(index), *row_line(columns, self.rows[index], self._look_now()))

    def line_after(self, by: int) -> Line:
        return self.empty[by] if not self.rows and by < len(self.empty) else ()

    def part_at(self, index: int) -> str:
        if index == self._cursor:
            return "row--cursor"
        if self._key(self.rows[index]) in self.marked:
            return "row--marked"
        return "row--fresh" if self._is_fresh(self.rows[index]) else PLAIN

    def action_move(self, by: int) -> None:
        self._move_to(self._cursor + by)

    def action_page(self, by: int) -> None:
        self._move_to(self._cursor + by * self.page_lines)

    def action_end_of(self, side: int) -> None:
        self._move_to(0 if side < 0 else len(self.rows) - 1)

    def action_mark(self) -> None:
        """Mark or unmark the row, and go on to the next."""
        if self.current is not None:
            self.marked ^= {self._key(self.current)}
            self._move_to(self._cursor + 1)

    def action_open(self) -> None:
        if self.current is not None:
            self.post_message(self.Opened())

    def on_click(self, event: events.Click) -> None:
        index = self.index_at(event.y)
        if index is None:
            return
        if index == self._cursor and event.chain > 1:
            self.action_open()
        self._move_to(index)

    def _move_to(self, at: int) -> None:
        self._cursor = max(0, min(at, len(self.rows) - 1))
        self._keep_in_sight()
        self.post_message(self.Moved())

    def _keep_in_sight(self) -> None:
        self.scroll_to_line(max(self._cursor - self.page_lines + 1, min(self.top, self._cursor)))

    def _edge(self, index: int) -> Span:
        if self._key(self.rows[index]) in self.marked:
            return Span("✱ ", Tone.ACCENT)
        return Span("▸ ", Tone.ACCENT) if index == self._cursor else Span("  ")
