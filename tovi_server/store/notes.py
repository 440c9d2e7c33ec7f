"""What people note on a job: its note and its tags, whatever became of it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, update

from tovi_server.core.events import Kind
from tovi_server.core.ids import JobId
from tovi_server.store import tables
from tovi_server.store.changes import Changes
from tovi_server.store.convert import tags_text
from tovi_server.store.scopes import load_scopes_of_jobs


def annotate(
    connection: Connection, job: JobId, *, note: str | None, tags: Sequence[str] | None, user: str, now: datetime
) -> None:
    """Change what is not None of a job that is known to exist."""
    told = {"note": note, "tags": None if tags is None else tags_text(tags)}
    values = {name: value for name, value in told.items() if value is not None}
    if values:
        connection.execute(update(tables.jobs).where(tables.jobs.c.id == job).values(**values))
        changes = Changes(connection)
        changes.append(Kind.ANNOTATED, load_scopes_of_jobs(connection, [job])[0], at=now, whole_job=True, user=user)
        changes.write()
