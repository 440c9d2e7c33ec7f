"""The event feed, read. A reader that goes on after the last number it saw misses nothing."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, bindparam, func, literal, select

from tovi_server.core.ids import LARGEST_JOB_ID, JobId
from tovi_server.core.views import EventView
from tovi_server.store import tables
from tovi_server.store.convert import AnyRow
from tovi_server.store.scopes import is_possible

_MOST_NEWS: Final = 1000
_LAST: Final = select(func.max(tables.events.c.seq))
_NEWS: Final = (
    select(tables.events.c.job_id).where(tables.events.c.seq > bindparam("b_after")).limit(literal(_MOST_NEWS + 1))
)


def events(
    connection: Connection, *, after: int, limit: int, job: JobId | None, projects: Collection[str] | None
) -> tuple[EventView, ...]:
    """Events with higher numbers than `after`, in order; of one job or all, of these projects or all (None)."""
    if job is not None and not is_possible(job):
        return ()
    columns = tables.events.c
    query = (
        select(tables.events).where(columns.seq > min(max(after, 0), LARGEST_JOB_ID)).order_by(columns.seq).limit(limit)
    )
    if job is not None:
        query = query.where(columns.job_id == job)
    if projects is not None:
        query = query.where(columns.project.in_(projects))
    return tuple(_view(row) for row in connection.execute(query))


def last_event(connection: Connection) -> int:
    """The highest number given so far; 0 before the first."""
    return connection.execute(_LAST).scalar_one() or 0


def jobs_with_news(connection: Connection, *, after: int) -> frozenset[JobId] | None:
    """To which something happened after an event; None: too many to name."""
    rows = connection.execute(_NEWS, {"b_after": after}).scalars().all()
    return None if len(rows) > _MOST_NEWS else frozenset(JobId(job) for job in rows)


def _view(row: AnyRow) -> EventView:
    return EventView(
        seq=row.seq,
        at=row.at,
        kind=row.kind,
        job=row.job_id,
        stage=row.stage,
        index=row.task_index,
        attempt=row.attempt,
        user=row.user,
        data=json.loads(row.data),
    )
