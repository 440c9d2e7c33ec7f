"""A table keeps its cursor on its row, and draws only what changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot

import tovi_tui
from tests.fakes_manager import NOW
from tests.tui.house import shown
from tovi_server.core.look import Look
from tovi_tui.text.columns import Column
from tovi_tui.text.span import line
from tovi_tui.widgets.row_table import RowTable

Row = tuple[int, str]


class Table(RowTable[Row]):
    """Counts the lines and the columns that it draws."""

    drawn = 0
    columns = 0
    fresh: frozenset[int] = frozenset()

    def refresh(self, *regions: Region, **more: Any) -> Any:
        self.drawn += sum(region.height for region in regions)
        self.columns += sum(region.area for region in regions)
        return super().refresh(*regions, **more)


class Alone(App[None]):
    CSS_PATH = Path(tovi_tui.__file__).parent / "theme.tcss"

    def compose(self) -> ComposeResult:
        columns: list[Column[Row]] = [Column("text", "TEXT", lambda row, look: line(row[1]), 10, grow=1)]
        table = Table(
            columns,
            key=lambda row: row[0],
            look=lambda: Look(NOW),
            is_fresh=lambda row: row[0] in table.fresh,
            id="main",
        )
        yield table

    def get_theme_variable_defaults(self) -> dict[str, str]:
        return {"cursor": "#333333", "dim": "#888888"}


@asynccontextmanager
async def a_table(rows: list[Row]) -> AsyncIterator[tuple[Table, Pilot[None]]]:
    """Ten rows high, with these rows."""
    async with Alone().run_test(size=(40, 11)) as pilot:
        table = pilot.app.query_one(Table)
        table.focus()
        table.show(rows)
        await pilot.pause()
        yield table, pilot


def rows(first: int, last: int) -> list[Row]:
    return [(number, f"row {number}") for number in range(first, last)]


def texts(table: Table) -> list[str]:
    """What is on its lines."""
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def in_sight(table: Table) -> list[int]:
    return [row[0] for row in table.rows[table.top : table.top + table.page_lines]]


async def test_rows_that_are_the_same_are_not_even_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_table(rows(0, 50)) as (table, pilot):
        await pilot.press("end")
        made: list[int] = []
        line_at = table.line_at
        monkeypatch.setattr(table, "line_at", lambda index: made.append(index) or line_at(index))
        table.show([*table.rows[:5], (5, "out of sight"), *table.rows[6:42], (42, "another"), *table.rows[43:]])
        await pilot.pause()
        assert set(made) == {42}
        assert texts(table)[1 + in_sight(table).index(42)] == "  another"


async def test_of_a_row_that_changed_in_one_column_the_others_are_not_drawn() -> None:
    async with a_table(rows(0, 5)) as (table, pilot):
        table.columns = 0
        table.show([(0, "row 0"), (1, "another"), *rows(2, 5)])
        await pilot.pause()
        assert texts(table)[2] == "  another"
        assert 0 < table.columns < table.size.width


async def test_a_change_that_is_taken_back_before_it_is_drawn_is_not_drawn() -> None:
    async with a_table(rows(0, 20)) as (table, pilot):
        for text in ("else", "row 1"):
            table.show([(number, text if number == 1 else old) for number, old in table.rows])
        await pilot.pause()
        assert shown(pilot)[2].startswith("  row 1 ")


async def test_a_line_that_will_look_different_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_table(rows(0, 20)) as (table, pilot):
        made: list[int] = []
        line_at = table.line_at
        monkeypatch.setattr(table, "line_at", lambda index: made.append(index) or line_at(index))
        await pilot.press("pagedown")
        await pilot.pause()
        assert sorted(made) == [-1, *range(1, 11)]


async def test_the_cursor_stays_on_its_row_when_others_come_above() -> None:
    async with a_table(rows(10, 50)) as (table, pilot):
        await pilot.press(*["down"] * 20, *["up"] * 4)
        before = in_sight(table)
        assert before[0] < 26 < before[-1], "in the middle of what is seen"
        table.show(rows(0, 50))
        assert table.current == (26, "row 26")
        assert in_sight(table) == before, "the lines in sight stay too"


async def test_at_the_very_top_new_rows_are_seen_to_come() -> None:
    async with a_table(rows(10, 50)) as (table, _):
        table.show(rows(8, 50))
        assert table.current == (10, "row 10")
        assert in_sight(table)[0] == 8


async def test_at_the_end_of_a_list_that_grows_the_lines_stay() -> None:
    async with a_table(rows(0, 50)) as (table, pilot):
        await pilot.press("end")
        before = in_sight(table)
        table.show(rows(0, 55))
        assert in_sight(table) == before


async def test_when_its_row_goes_the_cursor_stays_near() -> None:
    async with a_table(rows(0, 5)) as (table, pilot):
        await pilot.press("end")
        table.show(rows(0, 3))
        assert table.current == (2, "row 2")
        table.show([])
        assert table.current is None


async def test_marks_go_with_their_rows() -> None:
    async with a_table(rows(0, 5)) as (table, pilot):
        await pilot.press("space", "space")
        assert [row[0] for row in table.chosen] == [0, 1]
        table.show(rows(1, 5))
        table.show(rows(0, 5))
        assert [row[0] for row in table.chosen] == [1], "one that comes back is not marked"
        table.show(rows(1, 5))
        await pilot.press("home", "space")
        assert [row[0] for row in table.chosen] == [2], "without marks it is the row under the cursor"


async def test_only_lines_that_look_different_are_drawn() -> None:
    async with a_table(rows(0, 50)) as (table, pilot):
        await pilot.pause()
        table.drawn = 0
        table.show([*rows(0, 3), (3, "changed"), *rows(4, 60)])
        assert table.drawn <= 2, "the line that changed, and perhaps the end of the scroll bar"
        await pilot.pause()
        table.drawn = 0
        table.show([*rows(0, 3), (3, "changed"), *rows(4, 60)])
        assert table.drawn == 0


async def test_without_rows_it_says_what_it_was_given_to_say() -> None:
    async with a_table([]) as (table, pilot):
        table.empty = (line("nothing"), line("type this"))
        table.show([])
        await pilot.pause()
        assert texts(table)[1:4] == ["nothing", "type this", ""]
        table.show(rows(0, 1))
        await pilot.pause()
        assert texts(table)[1:3] == ["▸ row 0", ""]


async def test_a_row_that_is_fresh_looks_so_unless_marked_or_under_the_cursor() -> None:
    async with a_table(rows(0, 4)) as (table, pilot):
        table.fresh = frozenset({0, 1, 2})
        await pilot.press("down", "space", "end")
        assert [table.part_at(index) for index in range(4)] == [
            "row--fresh",
            "row--marked",
            "row--fresh",
            "row--cursor",
        ]


async def test_scrolling_without_the_cursor_stops_at_the_ends() -> None:
    async with a_table(rows(0, 50)) as (table, _):
        table.scroll_to_line(999)
        assert in_sight(table) == list(range(40, 50))
        table.scroll_to_line(-5)
        assert in_sight(table)[0] == 0
        assert table.current == (0, "row 0")


async def test_keys_of_a_page_and_the_ends() -> None:
    async with a_table(rows(0, 50)) as (table, pilot):
        await pilot.press("pagedown")
        assert table.current == (10, "row 10")
        await pilot.press("G")
        assert table.current == (49, "row 49")
        await pilot.press("pageup", "k")
        assert table.current == (38, "row 38")
        await pilot.press("g", "j")
        assert table.current == (1, "row 1")


async def test_the_mouse_does_what_it_looks_like() -> None:
    async with a_table(rows(0, 50)) as (table, pilot):
        await pilot.click(Table, offset=(5, 4))
        assert table.current == (3, "row 3")
