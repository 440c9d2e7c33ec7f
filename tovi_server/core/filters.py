"""What people select jobs and events by."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tovi_server.core.ids import JobId
from tovi_server.core.states import TaskState


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Every field narrows; left out (None or empty) it does not."""

    user: str | None = None
    project: str | None = None
    states: tuple[TaskState, ...] = ()
    queue: str | None = None
    tag: str | None = None
    name: str | None = None
    """A part of the name."""
    ids: tuple[JobId, ...] = ()
    """At most 1,000."""
    since: datetime | None = None
    """Submitted at this time or later."""
    until: datetime | None = None
    unfinished: bool = False
    """Only what waits or runs."""
    everybody: bool = False
    """Also jobs of projects that the caller is no member of, as far as others may see them."""


@dataclass(frozen=True, slots=True)
class Page:
    """A piece of a list of jobs, newest first: at most `limit`, all with ids below `before`."""

    limit: int = 100
    before: JobId | None = None
