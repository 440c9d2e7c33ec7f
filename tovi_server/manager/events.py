"""The event stream, of one job or of all that the caller may see."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Final

from tovi_server.core import views
from tovi_server.core.ids import Reference
from tovi_server.manager import part as parts
from tovi_server.manager import present
from tovi_server.manager.access import need_job, readable_projects
from tovi_server.manager.desk import Desk

ACCESS_CHECK: Final = timedelta(seconds=5)
_BATCH: Final = 500


async def events(
    desk: Desk, reference: Reference | None, *, follow: bool, after: int
) -> AsyncIterator[views.EventView]:
    """From `after` (exclusive) on; ends when nothing more will come."""
    with desk.changes.watching(None if reference is None else [reference.job]) as watch:
        while True:
            over = not follow if reference is None else await _is_over(desk, reference, follow=follow)
            batch = await desk.jobs.events(
                after=after,
                limit=_BATCH,
                job=None if reference is None else reference.job,
                projects=await readable_projects(desk),
            )
            for event in batch:
                after = event.seq
                if reference is None or _is_of(event, reference):
                    yield present.event(event)
            if batch:
                continue
            if over:
                return
            await watch.changed(within=ACCESS_CHECK)


async def _is_over(desk: Desk, reference: Reference, *, follow: bool) -> bool:
    """Whether all events of the part are in the store. Also checks that the caller may still see it."""
    part = parts.narrow(await need_job(desk, reference.job), reference)
    return not follow or (await parts.state_of(desk.jobs, part)).is_final


def _is_of(event: views.EventView, reference: Reference) -> bool:
    """Changes of a whole stage have no index: they are about each of its tasks."""
    return (
        reference.stage in (None, event.stage)
        and (reference.index is None or event.index in (None, reference.index))
        and (reference.attempt is None or event.attempt in (None, reference.attempt))
    )
