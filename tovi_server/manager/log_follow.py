"""What attempts write from now on: their files are looked at often while they speak, seldom while they are quiet."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from tovi_server.core.events import Kind
from tovi_server.core.ids import AttemptId, TaskId
from tovi_server.core.views import EventView, LogPiece
from tovi_server.manager import part as parts
from tovi_server.manager.access import need_job
from tovi_server.manager.desk import Desk
from tovi_server.manager.log_backlog import PIECE_BYTES, AttemptLog
from tovi_server.manager.log_ranges import Place
from tovi_server.manager.part import Part
from tovi_server.manager.watch import Watch

SHORTEST_PAUSE: Final = timedelta(milliseconds=20)
LONGEST_PAUSE: Final = timedelta(milliseconds=250)
LOOKS_AT_FULL_SPEED: Final = 100
"""After so many looks that found nothing, pauses grow: two seconds."""
ACCESS_CHECK: Final = timedelta(seconds=5)
"""At most so long does somebody read on whose access was taken."""

_BATCH: Final = 1000
_ENDS: Final = frozenset({Kind.SUCCEEDED, Kind.FAILED, Kind.REQUEUED, Kind.CANCELLED})


@dataclass(slots=True)
class _Open:
    """An attempt under way, and how far each stream of its log was told."""

    log: AttemptLog
    told: dict[str, int]
    ended: bool = False


class Follower:
    """Follows the attempts of one part of a job, those that are yet to come too."""

    def __init__(
        self, desk: Desk, part: Part, watch: Watch, *, number: int | None, streams: Sequence[str], seen: int
    ) -> None:
        self._desk = desk
        self._part = part
        self._watch = watch
        self._number = number
        self._streams = streams
        self._seen = seen
        self._open: dict[AttemptId, _Open] = {}

    def continue_after(self, logs: Sequence[AttemptLog], ends: Sequence[Place]) -> None:
        """What lies before these ends was told otherwise; those that may grow are followed from there."""
        for log, end in zip(logs, ends, strict=True):
            if log.may_grow:
                self._open[log.attempt] = _Open(log, {stream: end.of(stream) for stream in self._streams})

    async def pieces(self) -> AsyncIterator[LogPiece]:
        """Until the part is final and all its bytes are told."""
        quiet, checked = 0, 0.0
        final, changed = False, True
        loop = asyncio.get_running_loop()
        while True:
            if changed or loop.time() - checked > ACCESS_CHECK.total_seconds():
                final, checked = await self._look_at_events(), loop.time()
            found = await asyncio.to_thread(self._look_at_files, self._desk.clock.now())
            for piece in found:
                yield piece
            if final and not found:
                return
            quiet = 0 if found else quiet + 1
            changed = await self._watch.changed(within=self._pause(quiet))

    def _pause(self, quiet: int) -> timedelta:
        """How long to wait for a change before looking again."""
        if not self._open:
            return ACCESS_CHECK
        growing = SHORTEST_PAUSE * 1.1 ** min(100, max(0, quiet - LOOKS_AT_FULL_SPEED))
        return timedelta(0) if quiet == 0 else min(LONGEST_PAUSE, growing)

    async def _look_at_events(self) -> bool:
        """Open what started, note what ended; whether nothing more will come."""
        job = await need_job(self._desk, self._part.job.id)
        self._part = self._part.of(job)
        state = await parts.state_of(self._desk.jobs, self._part)
        while events := await self._desk.jobs.events(after=self._seen, limit=_BATCH, job=job.id, projects=None):
            self._seen = events[-1].seq
            for event in events:
                self._note(event)
        return state.is_final or self._number_is_over()

    def _note(self, event: EventView) -> None:
        if event.stage is None or event.index is None or not event.attempt or not self._follows(event):
            return
        attempt = AttemptId(TaskId(self._part.job.id, event.stage, event.index), event.attempt)
        if event.kind == Kind.DISPATCHED and attempt not in self._open:
            log = AttemptLog(self._desk.files.logs, self._part.job.project, attempt, may_grow=True)
            self._open[attempt] = _Open(log, dict.fromkeys(self._streams, 0))
        elif event.kind in _ENDS and attempt in self._open:
            self._open[attempt].ended = True

    def _follows(self, event: EventView) -> bool:
        in_part = any(stage.name == event.stage for stage in self._part.stages)
        return in_part and self._part.index in (None, event.index) and self._number in (None, event.attempt)

    def _number_is_over(self) -> bool:
        """Of one task only one attempt was asked for, and it ended."""
        return self._number is not None and self._part.only_task is not None and not self._open

    def _look_at_files(self, now: datetime) -> list[LogPiece]:
        """What was written since the last look. Blocking."""
        found: list[LogPiece] = []
        for attempt, one in tuple(self._open.items()):
            new = [piece for stream in one.told if (piece := _more(one, stream, now)) is not None]
            if one.ended and not new:
                del self._open[attempt]
            found += new
        return found


def _more(one: _Open, stream: str, now: datetime) -> LogPiece | None:
    data = one.log.read(stream, one.told[stream], PIECE_BYTES)
    one.told[stream] += len(data)
    return LogPiece(str(one.log.attempt.task), stream, data, now) if data else None
