"""Lists of jobs: `queue` and `jobs`."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from cyclopts import Parameter

from tovi_cli.call import Call, Injected
from tovi_cli.form import TABLE, Form
from tovi_cli.jobs_table import JOBS, QUEUE
from tovi_cli.look import look_of
from tovi_cli.output import Listing, show_list
from tovi_cli.selection import EVERYTHING, Selection
from tovi_cli.verb import Verb
from tovi_server.core.errors import UsageError
from tovi_server.core.filters import JobFilter, Page
from tovi_server.core.ids import LARGEST_JOB_ID, JobId

LARGEST_LIMIT = 10_000

Limit = Annotated[int, Parameter(name="--limit", help="At most so many.")]
Before = Annotated[
    int | None, Parameter(name="--before", help="Only jobs with a smaller id: the next piece of a list.")
]


async def queue(
    *,
    all: bool = False,
    selection: Selection = EVERYTHING,
    limit: Limit = 100,
    before: Before = None,
    form: Form = TABLE,
    call: Injected,
) -> int:
    """What waits and runs, yours first.

    Parameters
    ----------
    all
        Everybody's, as far as others may see it.
    """
    chosen = replace(selection.filter(), unfinished=True, everybody=all)
    await _show(call, form, chosen, page_of(limit, before), queue=True)
    return 0


async def jobs(
    *,
    all: bool = False,
    selection: Selection = EVERYTHING,
    since: str | None = None,
    until: str | None = None,
    limit: Limit = 100,
    before: Before = None,
    form: Form = TABLE,
    call: Injected,
) -> int:
    """All jobs, newest first.

    Parameters
    ----------
    all
        Everybody's, as far as others may see it.
    since
        Submitted then or later: 2h (ago), 2026-01-31 or 2026-01-31T14:05.
    until
        Submitted before.
    """
    look = look_of(call)
    chosen = replace(
        selection.filter(),
        everybody=all,
        since=look.moment(since) if since else None,
        until=look.moment(until) if until else None,
    )
    await _show(call, form, chosen, page_of(limit, before), queue=False)
    return 0


def page_of(limit: int, before: int | None) -> Page:
    """The piece of a list. Raises UsageError: a number out of range."""
    if not 1 <= limit <= LARGEST_LIMIT:
        raise UsageError(f"--limit {limit} is out of range", why=f"it is 1 to {LARGEST_LIMIT}")
    if before is not None and not 0 <= before <= LARGEST_JOB_ID:
        raise UsageError(f"--before {before} is not a job's id")
    return Page(limit, None if before is None else JobId(before))


async def _show(call: Call, form: Form, chosen: JobFilter, page: Page, *, queue: bool) -> None:
    found = await call.api.jobs(chosen, page)
    empty = "nothing waits or runs" if queue else "no jobs"
    columns = QUEUE if queue else JOBS
    await show_list(call, form, Listing("tovi.jobs/1", "tovi.job/1", found.items, columns, empty, found.next))
    if found.next is not None and not form.json:
        # The queue is not sorted by id alone: what `--before` leaves out could be anything.
        await call.say(
            f"there are more: --limit {page.limit * 2}" if queue else f"there are more: --before {found.next}"
        )


VERBS = (
    Verb(("queue",), queue, ("ssh {host} queue", "ssh {host} queue --all --json")),
    Verb(("jobs",), jobs, ("ssh {host} jobs --since 2d --state failed", "ssh {host} jobs --fields id,name,exit_code")),
)
