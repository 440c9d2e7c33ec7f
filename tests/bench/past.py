"""A long history, quickly: rows of real jobs, copied, as a program of its own: `python -m tests.bench.past FILE …`.

The server must not run meanwhile.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Integer, Table, insert, literal, select

from tovi_server.store import sqlite, tables

_COPIED: Final = (tables.jobs, tables.specs, tables.stages, tables.tasks, tables.attempts, tables.events)
_AT_ONCE: Final = 100_000


def copy_job(file: Path, job: int, copies: int) -> None:
    """Add so many copies of a job with all its rows, numbered after the last job."""
    engine = sqlite.writer_engine(file)
    for done in range(0, copies, _AT_ONCE):
        with engine.begin() as connection:
            last = connection.execute(select(tables.jobs.c.id).order_by(tables.jobs.c.id.desc()).limit(1)).scalar_one()
            for table in _COPIED:
                _copy(connection, table, job, first=last + 1, copies=min(_AT_ONCE, copies - done))
    engine.dispose()


def _copy(connection: Connection, table: Table, job: int, *, first: int, copies: int) -> None:
    of_job = table.c.id if table is tables.jobs else table.c.job_id
    columns = [column for column in table.c if column.name != "seq"]
    numbers = select(literal(first, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < first + copies - 1))
    rows = select(*(numbers.c.n if column is of_job else column for column in columns)).where(of_job == job)
    connection.execute(insert(table).from_select(columns, rows))


if __name__ == "__main__":
    copy_job(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
