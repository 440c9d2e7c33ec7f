"""Which columns a list of jobs has: a wish of the person."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.views import JobView
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.text import jobs
from tovi_tui.text.columns import Column
from tovi_tui.text.span import Span, Tone, line
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.wishes import Wishes

COLUMNS: Final = "columns"
"""The wish that names them."""


def remembered(wishes: Wishes) -> Sequence[Column[JobView]]:
    """As they were chosen; the usual ones where another version knew others."""
    try:
        return jobs.chosen(wishes.get(COLUMNS, ""))
    except UsageError:
        return jobs.COLUMNS


async def choose(screen: ToviScreen, table: RowTable[JobView]) -> None:
    """Ask for them.

    Raises:
        UsageError: there is no such column.
    """
    there = line(Span(f"of {' '.join(jobs.COLUMN_NAMES)}; none: the usual", Tone.DIM))
    names = await screen.prompt("Which columns?", text=screen.tovi.wishes.get(COLUMNS, ""), details=[there])
    if names is not None:
        table.show_columns(jobs.chosen(names))
        await screen.tovi.set(COLUMNS, names)
