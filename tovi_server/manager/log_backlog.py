"""What is in the logs of some attempts already, in order of time. Blocking; nothing is read before it is asked for."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Final

from tovi_server.api import LogOptions
from tovi_server.core.ids import AttemptId
from tovi_server.core.views import LogPiece
from tovi_server.manager.log_ranges import STREAMS, Place, Range, in_order, place_at
from tovi_server.manager.log_tail import last_lines, without_first
from tovi_server.manager.ports import Logs

PIECE_BYTES: Final = 64 * 1024
_LATEST: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AttemptLog:
    """The two logs of one attempt."""

    logs: Logs
    project: str
    attempt: AttemptId
    may_grow: bool = False
    """Whether the attempt was under way when this was made."""

    def read(self, stream: str, offset: int, limit: int) -> bytes:
        return self.logs.read(self.project, self.attempt, stream, offset, limit)

    def end(self) -> Place:
        return Place(*(self.logs.size(self.project, self.attempt, stream) for stream in STREAMS))


def streams_of(options: LogOptions) -> tuple[str, ...]:
    return STREAMS if options.stream == "both" else (options.stream,)


def merged(logs: Sequence[AttemptLog], ends: Sequence[Place], options: LogOptions) -> Iterator[LogPiece]:
    """Up to these ends, the pieces of all of them by time; those without a time come last."""
    each = [pieces(log, end, options) for log, end in zip(logs, ends, strict=True)]
    return heapq.merge(*each, key=lambda piece: piece.at or _LATEST) if len(each) > 1 else iter(each[0])


def pieces(log: AttemptLog, end: Place, options: LogOptions) -> Iterator[LogPiece]:
    """The log of one attempt, as far as `tail` and `since` leave it."""
    streams = streams_of(options)
    marks = log.logs.marks(log.project, log.attempt)
    start = Place() if options.since is None else place_at(marks, options.since)
    skip = 0
    if options.tail is not None:
        start, found = _tail(log, options.tail, start, end, streams)
        skip = max(0, found - options.tail)
    return without_first(_read(log, in_order(marks, start=start, end=end, streams=streams)), skip)


def _tail(log: AttemptLog, lines: int, floor: Place, end: Place, streams: Sequence[str]) -> tuple[Place, int]:
    """Where the last lines of each stream begin, and how many these are together."""
    starts, total = {stream: floor.of(stream) for stream in STREAMS}, 0
    for stream in streams:
        read = partial(log.read, stream)
        starts[stream], found = last_lines(read, lines=lines, floor=floor.of(stream), end=end.of(stream))
        total += found
    return Place(starts["out"], starts["err"]), total


@dataclass(slots=True)
class _Lines:
    """Bytes of one stream in whole lines, unless a line is longer than a piece."""

    rest: bytes = b""

    def feed(self, data: bytes) -> bytes:
        whole, newline, self.rest = (self.rest + data).rpartition(b"\n")
        if len(self.rest) < PIECE_BYTES:
            return whole + newline
        whole, self.rest = whole + newline + self.rest, b""
        return whole


def _read(log: AttemptLog, ranges: Iterator[Range]) -> Iterator[LogPiece]:
    task, lines = str(log.attempt.task), {stream: _Lines() for stream in STREAMS}
    for one in ranges:
        for data in _blocks(log, one):
            if whole := lines[one.stream].feed(data):
                yield LogPiece(task, one.stream, whole, one.at)
    for stream, left in lines.items():
        if left.rest:
            yield LogPiece(task, stream, left.rest)


def _blocks(log: AttemptLog, one: Range) -> Iterator[bytes]:
    offset = one.start
    while offset < one.end:
        data = log.read(one.stream, offset, min(PIECE_BYTES, one.end - offset))
        if not data:
            return
        offset += len(data)
        yield data
