"""In which order the bytes of an attempt's two logs are told: by the sizes noted about once a second. Pure.

Within one of those seconds `out` comes before `err`; what is behind the last note has no time yet.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from tovi_server.manager.ports import Mark

STREAMS: Final = ("out", "err")


@dataclass(frozen=True, slots=True)
class Place:
    """How far into both logs: bytes."""

    out: int = 0
    err: int = 0

    def of(self, stream: str) -> int:
        return self.out if stream == "out" else self.err


@dataclass(frozen=True, slots=True)
class Range:
    """Bytes `start` to `end` (exclusive) of one stream, written about `at`."""

    stream: str
    start: int
    end: int
    at: datetime | None


def in_order(marks: Iterable[Mark], *, start: Place, end: Place, streams: Sequence[str]) -> Iterator[Range]:
    """The ranges between two places."""
    done = {stream: start.of(stream) for stream in streams}
    for mark in marks:
        yield from _up_to(done, Place(min(mark.out, end.out), min(mark.err, end.err)), mark.at)
    yield from _up_to(done, end, None)


def _up_to(done: dict[str, int], place: Place, at: datetime | None) -> Iterator[Range]:
    for stream, start in done.items():
        if place.of(stream) > start:
            done[stream] = place.of(stream)
            yield Range(stream, start, place.of(stream), at)


def place_at(marks: Sequence[Mark], since: datetime) -> Place:
    """Where the logs ended before `since`, to a second; their beginning when nothing tells."""
    before = [mark for mark in marks if mark.at < since]
    return Place(before[-1].out, before[-1].err) if before else Place()
