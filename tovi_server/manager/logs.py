"""Logs of one task or of many: what is there, and with `follow` what is yet to come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from tovi_server.api import LogOptions
from tovi_server.core.errors import NotFoundError
from tovi_server.core.ids import AttemptId, Reference
from tovi_server.core.states import ACTIVE
from tovi_server.core.views import LogPiece
from tovi_server.manager import log_backlog
from tovi_server.manager import part as parts
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.log_backlog import PIECE_BYTES, AttemptLog
from tovi_server.manager.log_follow import Follower
from tovi_server.manager.part import Part, narrow

_AT_ONCE = 64
"""So many tasks' logs are merged by time; the next ones come after them."""
_HANDFUL_BYTES = 4 * PIECE_BYTES


async def logs(desk: Desk, reference: Reference, options: LogOptions) -> AsyncIterator[LogPiece]:
    """The bytes of the part's logs. Nothing is loaded whole; a reader who stops reading stops this."""
    with desk.changes.watching([reference.job]) as watch:
        seen = await desk.jobs.last_event()
        part = narrow(await need_job(desk, reference.job), reference)
        number = options.attempt or part.attempt
        follower = Follower(desk, part, watch, number=number, streams=log_backlog.streams_of(options), seen=seen)
        async for group in _groups(desk, part, number):
            ends = await asyncio.to_thread(lambda these: [log.end() for log in these], group)
            follower.continue_after(group, ends)
            async for piece in _told(log_backlog.merged(group, ends, options)):
                yield piece
        if options.follow:
            async for piece in follower.pieces():
                yield piece


async def _groups(desk: Desk, part: Part, number: int | None) -> AsyncIterator[list[AttemptLog]]:
    """The logs of all attempts that are told of, some at a time."""
    group: list[AttemptLog] = []
    async for task in parts.tasks(desk.jobs, part):
        if number is not None and number > task.attempt and part.only_task is not None:
            raise NotFoundError(f"there is no attempt {task.id}/{number}", why=f"it was tried {task.attempt} times")
        if task.attempt and (number or 1) <= task.attempt:
            newest = number in (None, task.attempt)
            attempt = AttemptId(task.id, number or task.attempt)
            may_grow = newest and task.state in ACTIVE
            group.append(AttemptLog(desk.files.logs, part.job.project, attempt, may_grow=may_grow))
        if len(group) == _AT_ONCE:
            yield group
            group = []
    if group:
        yield group


async def _told(pieces: Iterator[LogPiece]) -> AsyncIterator[LogPiece]:
    """A blocking iterator of pieces, asked in a thread for a handful at a time."""
    while some := await asyncio.to_thread(_handful, pieces):
        for piece in some:
            yield piece


def _handful(pieces: Iterator[LogPiece]) -> list[LogPiece]:
    some: list[LogPiece] = []
    size = 0
    for piece in pieces:
        some.append(piece)
        size += len(piece.data)
        if size >= _HANDFUL_BYTES:
            break
    return some
