"""Jobs as rows of a table, and one in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.job_words import count_ended
from tovi_server.core.look import NOTHING, Look, asked
from tovi_server.core.states import ACTIVE, TaskState
from tovi_server.core.views import JobView
from tovi_tui.text.bars import bar
from tovi_tui.text.columns import Column
from tovi_tui.text.filter import nearest
from tovi_tui.text.lasting import lasting
from tovi_tui.text.span import Line, Span, Tone, line
from tovi_tui.text.states import state_of

_BAR_COLUMNS: Final = 6


def progress(total: int, by_state: Mapping[str, int]) -> Line:
    """How many tasks ended, of how many; what failed is said beside."""
    failed = by_state.get(TaskState.FAILED, 0)
    if total == 1:
        return line(Span(NOTHING, Tone.DIM))
    tone = Tone.BUSY if any(by_state.get(state) for state in ACTIVE) else Tone.DIM
    count = line(Span(bar(count_ended(by_state), total, _BAR_COLUMNS), tone), f" {count_ended(by_state)}/{total}")
    return (*count, Span(f" ✗{failed}", Tone.BAD)) if failed else count


def note(job: JobView) -> Line:
    """The most telling thing about it: why it waits or ended, or else its own note."""
    return line(job.reason.message if job.reason else Span(job.note, Tone.DIM))


def told(job: JobView) -> Line:
    """For the line under a list: which it is, why it is as it is, and where its results are once it has ended."""
    results = line(Span(f" · results in jobs/{job.id}, f fetches them", Tone.DIM)) if job.ended_at else ()
    return (*line(" ", Span(str(job.id), Tone.DIM), f" {job.name} · ", state_of(job).span, " "), *note(job), *results)


def chosen(names: str) -> tuple[Column[JobView], ...]:
    """The columns of these names, in this order; without names the usual ones.

    Raises:
        UsageError: there is no such column.
    """
    if not names.split():
        return COLUMNS
    return tuple(_column(name) for name in dict.fromkeys(names.lower().split()))


def _column(name: str) -> Column[JobView]:
    for column in (*COLUMNS, *MORE_COLUMNS):
        if column.key == name:
            return column
    raise UsageError(f'there is no column "{name}"', hint=nearest(name, COLUMN_NAMES))


def _dim(text: str) -> Line:
    return (Span(text, Tone.DIM),)


def _time(job: JobView, look: Look) -> Line:
    return line(lasting(job, look))


COLUMNS: Final[tuple[Column[JobView], ...]] = (
    Column("id", "JOB", lambda job, look: _dim(str(job.id)), 6),
    Column("name", "NAME", lambda job, look: line(job.name), 12, grow=2),
    Column("user", "USER", lambda job, look: line(job.user), 8, drop=3),
    Column("state", "STATE", lambda job, look: (state_of(job).span,), 11),
    Column("progress", "PROGRESS", lambda job, look: progress(job.tasks_total, job.tasks_by_state), 17, drop=2),
    Column("time", "TIME", _time, 7, right=True),
    Column("asked", "ASKED", lambda job, look: line(asked(job.requested)), 20, drop=4),
    Column("note", "NOTE", lambda job, look: note(job), 14, grow=3, drop=1),
)

MORE_COLUMNS: Final[tuple[Column[JobView], ...]] = (
    Column("project", "PROJECT", lambda job, look: line(job.project), 10, drop=3),
    Column("queue", "QUEUE", lambda job, look: line(job.queue), 8, drop=3),
    Column("priority", "PRIORITY", lambda job, look: line(job.priority), 8, drop=3),
    Column("tags", "TAGS", lambda job, look: line(" ".join(job.tags)), 12, grow=1, drop=2),
    Column("submitted", "SUBMITTED", lambda job, look: line(look.when(job.submitted_at)), 10, drop=2),
    Column("ended", "ENDED", lambda job, look: line(look.when(job.ended_at)), 10, drop=2),
)
"""Shown to those who choose them."""

COLUMN_NAMES: Final = tuple(column.key for column in (*COLUMNS, *MORE_COLUMNS))
