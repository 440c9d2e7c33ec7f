"""In which order the bytes of two logs are told, and which of them `tail` and `since` leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.api import LogOptions
from tovi_server.core.ids import AttemptId, JobId, TaskId
from tovi_server.manager.log_backlog import AttemptLog, merged, pieces
from tovi_server.manager.log_tail import last_lines

START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Mark:
    at: datetime
    out: int
    err: int


@dataclass(frozen=True, slots=True)
class Memory:
    """Logs that were written before."""

    out: bytes = b""
    err: bytes = b""
    noted: tuple[Mark, ...] = ()

    def read(self, project: str, attempt: AttemptId, stream: str, offset: int, limit: int) -> bytes:
        return getattr(self, stream)[offset : offset + limit]

    def size(self, project: str, attempt: AttemptId, stream: str) -> int:
        return len(getattr(self, stream))

    def marks(self, project: str, attempt: AttemptId) -> Sequence[Mark]:
        return self.noted


def _log(logs: Memory, index: int = 0) -> AttemptLog:
    return AttemptLog(logs, "lab", AttemptId(TaskId(JobId(1), "main", index), 1))


def _told(logs: Memory, options: LogOptions) -> bytes:
    log = _log(logs)
    return b"".join(piece.data for piece in pieces(log, log.end(), options))


TWO_SECONDS = Memory(
    out=b"o1\no2\no3\n",
    err=b"e1\ne2\n",
    noted=(Mark(START, 3, 3), Mark(START + timedelta(seconds=1), 6, 6)),
)


def test_out_and_err_are_told_second_by_second() -> None:
    assert _told(TWO_SECONDS, LogOptions()) == b"o1\ne1\no2\ne2\no3\n"


def test_one_stream_alone() -> None:
    assert _told(TWO_SECONDS, LogOptions(stream="err")) == b"e1\ne2\n"


@pytest.mark.parametrize(
    ("tail", "expected"),
    [(0, b""), (1, b"o3\n"), (3, b"o2\ne2\no3\n"), (5, b"o1\ne1\no2\ne2\no3\n"), (9, b"o1\ne1\no2\ne2\no3\n")],
)
def test_tail_counts_the_lines_of_both(tail: int, expected: bytes) -> None:
    assert expected == _told(TWO_SECONDS, LogOptions(tail=tail))


def test_since_leaves_out_what_was_noted_before() -> None:
    assert _told(TWO_SECONDS, LogOptions(since=START + timedelta(milliseconds=500))) == b"o2\ne2\no3\n"


def test_a_line_that_was_noted_half_written_stays_whole() -> None:
    logs = Memory(out=b"one line\n", err=b"e\n", noted=(Mark(START, 4, 2),))
    assert _told(logs, LogOptions()) == b"e\none line\n"


def test_a_last_line_without_an_end_is_told() -> None:
    assert _told(Memory(out=b"a\nb"), LogOptions()) == b"a\nb"


def test_a_line_longer_than_a_piece_comes_in_pieces() -> None:
    log = _log(Memory(out=b"x" * 300_000 + b"\n"))
    told = list(pieces(log, log.end(), LogOptions()))
    assert sum(len(piece.data) for piece in told) == 300_001
    assert max(len(piece.data) for piece in told) <= 2 * 64 * 1024


def test_tasks_are_merged_by_time() -> None:
    early = Memory(out=b"a1\na3\n", noted=(Mark(START, 3, 0), Mark(START + timedelta(seconds=2), 6, 0)))
    late = Memory(out=b"b2\n", noted=(Mark(START + timedelta(seconds=1), 3, 0),))
    logs = [_log(early), _log(late, 1)]
    told = merged(logs, [log.end() for log in logs], LogOptions())
    assert [piece.data for piece in told] == [b"a1\n", b"b2\n", b"a3\n"]


@given(st.lists(st.sampled_from([b"x", b"\n"]), max_size=60).map(b"".join), st.integers(1, 8), st.integers(0, 60))
def test_the_last_lines_are_those_of_the_whole_text(text: bytes, lines: int, floor: int) -> None:
    floor = min(floor, len(text))
    told = last_lines(lambda at, limit: text[at : at + limit], lines=lines, floor=floor, end=len(text))
    expected = text[floor:].splitlines(keepends=True)[-lines:]
    assert told == (len(text) - len(b"".join(expected)), len(expected))
