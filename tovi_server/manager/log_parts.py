"""A part of one task's log, wherever in it, and a search through it. Nothing is loaded whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from tovi_server.core.errors import NotFoundError, UsageError
from tovi_server.core.ids import AttemptId, Reference
from tovi_server.core.states import ACTIVE
from tovi_server.core.views import LogMatches, LogPart
from tovi_server.manager import part as parts
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.log_ranges import STREAMS
from tovi_server.manager.ports import Logs

MOST_BYTES: Final = 256 * 1024
MOST_MATCHES: Final = 1000
LONGEST_TEXT: Final = 1000
_BLOCK: Final = 2**20
_STEP: Final = 16 * _BLOCK
"""So much is searched before it is told how far it is."""


@dataclass(frozen=True, slots=True)
class _Log:
    """One stream of one attempt. Blocking."""

    logs: Logs
    project: str
    attempt: AttemptId
    stream: str
    is_final: bool

    def size(self) -> int:
        return self.logs.size(self.project, self.attempt, self.stream)

    def read(self, start: int, length: int) -> bytes:
        return self.logs.read(self.project, self.attempt, self.stream, start, length)


async def part(
    desk: Desk, reference: Reference, *, stream: str, attempt: int | None, start: int, length: int
) -> LogPart:
    """Some bytes; none where the log has not got so far, or is not there yet."""
    log = await _log(desk, reference, stream, attempt)
    return await asyncio.to_thread(_part, log, start, length)


def _part(log: _Log, start: int, length: int) -> LogPart:
    size = log.size()
    first = max(0, size + start) if start < 0 else start
    data = log.read(first, max(0, min(length, MOST_BYTES))) if first < size else b""
    return LogPart(first, data, max(size, first + len(data)) if data else size, log.is_final)


async def search(
    desk: Desk, reference: Reference, *, stream: str, attempt: int | None, text: str, start: int
) -> AsyncIterator[LogMatches]:
    """From `start` to the end that the log has when it is reached."""
    if not 0 < len(text) <= LONGEST_TEXT:
        raise UsageError(f"the text has {len(text)} characters", why=f"a search is for 1 to {LONGEST_TEXT}")
    log = await _log(desk, reference, stream, attempt)
    wanted, done = _bytes(text).lower(), max(0, start)
    while True:
        matches = await asyncio.to_thread(_search, log, wanted, done)
        yield matches
        if matches.searched_to >= matches.size_bytes:
            return
        done = matches.searched_to


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise UsageError(f'"{text}" is no text', why="it has half a character") from error


def _search(log: _Log, wanted: bytes, start: int) -> LogMatches:
    """One step. Matches may lie across blocks: each is read with what could begin before its end."""
    size, offsets, at = log.size(), list[int](), start
    while at < min(size, start + _STEP):
        block = log.read(at, _BLOCK + len(wanted) - 1).lower()
        if not block:
            return LogMatches(tuple(offsets), size, size)
        found = block.find(wanted)
        while 0 <= found < min(_BLOCK, size - at):
            offsets.append(at + found)
            if len(offsets) == MOST_MATCHES:
                return LogMatches(tuple(offsets), at + found + 1, size)
            found = block.find(wanted, found + 1)
        at += _BLOCK
    return LogMatches(tuple(offsets), min(at, size), size)


async def _log(desk: Desk, reference: Reference, stream: str, attempt: int | None) -> _Log:
    """The log of one task; an empty one where it was not tried yet."""
    if stream not in STREAMS:
        raise UsageError(f'"{stream}" is no stream', why="a log has out and err")
    found = parts.narrow(await need_job(desk, reference.job), reference)
    if found.only_task is None:
        raise UsageError(
            f"{reference} has {found.total} tasks", why="a part is of one log", hint=f"for instance {_first(found)}"
        )
    task = await desk.jobs.task(found.only_task)
    assert task is not None, "a task within the bounds of its stage exists"
    number = attempt or found.attempt or task.attempt
    if not 0 <= number <= task.attempt:
        raise NotFoundError(f"there is no attempt {task.id}/{number}", why=f"it was tried {task.attempt} times")
    ended = task.state.is_final if number == 0 else task.state not in ACTIVE
    is_final = number < task.attempt or ended
    return _Log(desk.files.logs, found.job.project, AttemptId(task.id, number), stream, is_final)


def _first(found: parts.Part) -> str:
    return f"{found.job.id}.{found.stages[0].name}.0"
