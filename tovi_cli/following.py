"""Showing the log of what was just submitted, and ending as it ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from tovi_cli.call import Call
from tovi_cli.log_output import LogForm, show_log
from tovi_server.api import LogOptions
from tovi_server.core.ids import Reference
from tovi_server.core.states import FINAL, TaskState
from tovi_server.core.views import JobView, Waited

LARGEST_EXIT = 254
"""255 is ssh's own."""


async def follow(call: Call, job: Reference) -> None:
    """Show the whole log of a job until it has ended."""
    await show_log(call, job, LogOptions(follow=True), LogForm())


@asynccontextmanager
async def told_that_it_goes_on(call: Call, job: Reference) -> AsyncIterator[None]:
    """Whoever stops looking (Ctrl-C) is told that this does not stop the job."""
    try:
        yield
    except asyncio.CancelledError:
        with suppress(ConnectionError):
            await call.say(f"job {job} goes on: `logs -f {job}` shows it, `cancel {job}` ends it")
        raise


async def end_with(call: Call, waited: Waited, *, tell_all: bool = False) -> int:
    """Tell what did not succeed, or how all ended, and give the exit status to end with.

    Of a job of which only a part was waited for there may be nothing to tell yet.
    """
    for job in waited.items:
        if job.state in FINAL and (tell_all or job.state != TaskState.SUCCEEDED):
            await call.say(_ending(job))
    return min(waited.exit_code, LARGEST_EXIT)


def _ending(job: JobView) -> str:
    text = f"{job.id} {job.state}"
    if job.state != TaskState.FAILED:
        return text
    text += f" with exit code {job.exit_code}"
    return f"{text}: {job.reason.message}" if job.reason else text
