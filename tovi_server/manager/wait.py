"""Waiting for jobs, or parts of them, to become final."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from tovi_server.core import views
from tovi_server.core.durations import format_duration
from tovi_server.core.errors import WaitTimeoutError
from tovi_server.core.ids import Reference
from tovi_server.core.states import TaskState
from tovi_server.manager import part as parts
from tovi_server.manager import why_ended
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.lists import job_view
from tovi_server.manager.part import Part
from tovi_server.manager.picture import NOTHING

ACCESS_CHECK: Final = timedelta(seconds=5)

Ended = dict[Reference, tuple[Part, TaskState]]
"""What is final of all that is waited for."""


async def wait(desk: Desk, targets: Sequence[Reference], *, timeout: timedelta | None, any: bool) -> views.Waited:
    """The exit code is that of the first target, in the order they were named, that did not succeed."""
    ended: Ended = {}
    whole = all(target.stage is None for target in targets)
    with desk.changes.watching({target.job for target in targets}, only_ends=whole) as watch:
        await _note_ends(desk, targets, ended)  # at least once, however short the time is
        try:
            async with asyncio.timeout(None if timeout is None else timeout.total_seconds()):
                while not (len(ended) == len(set(targets)) or (any and ended)):
                    await watch.changed(within=ACCESS_CHECK)
                    await _note_ends(desk, targets, ended)
        except TimeoutError as error:
            left = [target for target in targets if target not in ended]
            raise _too_long(left, timeout or timedelta()) from error
    found = [ended[target] for target in targets if target in ended]
    codes = [await _exit_code(desk, part, state) for part, state in found]
    jobs = {part.job.id: part.job for part, _ in found}
    items = tuple([await job_view(desk, job, NOTHING) for job in jobs.values()])
    return views.Waited(exit_code=next((code for code in codes if code), 0), items=items)


async def _note_ends(desk: Desk, targets: Sequence[Reference], ended: Ended) -> None:
    """Add what is final by now."""
    for target in targets:
        if target not in ended:
            part = parts.narrow(await need_job(desk, target.job), target)
            state = await parts.state_of(desk.jobs, part)
            if state.is_final:
                ended[target] = (part, state)


async def _exit_code(desk: Desk, part: Part, state: TaskState) -> int:
    if state is not TaskState.FAILED:
        return why_ended.exit_code(state, None) or 0
    return why_ended.exit_code(state, await parts.first_failed(desk.jobs, part)) or 1


def _too_long(targets: Sequence[Reference], timeout: timedelta) -> WaitTimeoutError:
    names = ", ".join(str(target) for target in targets[:5])
    return WaitTimeoutError(
        f"{names} not done after {format_duration(timeout)}",
        why="that is how long you wanted to wait",
        hint=f"`why {targets[0]}` and `logs {targets[0]}` tell how far it is",
    )
