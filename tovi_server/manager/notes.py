"""Notes and tags of jobs, changed after they were submitted."""

from __future__ import annotations

from tovi_server.core import views
from tovi_server.core.ids import JobId
from tovi_server.manager import lists
from tovi_server.manager.access import need_job, need_job_to_change
from tovi_server.manager.desk import Desk
from tovi_server.manager.names import need_good_note, need_good_tags


async def annotate(desk: Desk, job: JobId, *, note: str | None, tags: tuple[str, ...] | None) -> views.JobView:
    """Change what is not None."""
    if note is not None:
        need_good_note(note)
    if tags is not None:
        tags = tuple(dict.fromkeys(tags))
        need_good_tags(tags)
    await need_job_to_change(desk, job)
    await desk.jobs.annotate(job, note=note, tags=tags, user=desk.caller.user, now=desk.clock.now())
    desk.ring()
    return await lists.job_view(desk, await need_job(desk, job), await desk.pictures.lately())
