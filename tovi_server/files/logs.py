"""Logs of attempts as their programs write them, a piece at a time. What does not exist yet is empty."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from tovi_server.core.ids import AttemptId
from tovi_server.files import datadir
from tovi_server.files.datadir import DataDir

NAMES: Final = {"out": "stdout.log", "err": "stderr.log"}
"""The file of each stream."""
_LINE: Final = re.compile(rb"([0-9]{1,11})(?:\.[0-9]+)? ([0-9]{1,18}) ([0-9]{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mark:
    """How long both logs of an attempt were at a time, in bytes."""

    at: datetime
    out: int
    err: int


class LogFiles:
    """The logs of all attempts in a data directory."""

    def __init__(self, data: DataDir) -> None:
        self._data = data

    def read(self, project: str, attempt: AttemptId, stream: str, offset: int, limit: int) -> bytes:
        """At most `limit` bytes of `out` or `err` from `offset` on; nothing where nothing is."""
        with self._opened(project, attempt, NAMES[stream]) as file:
            return b"" if file is None else os.pread(file, limit, offset)

    def size(self, project: str, attempt: AttemptId, stream: str) -> int:
        """In bytes."""
        with self._opened(project, attempt, NAMES[stream]) as file:
            return 0 if file is None else os.fstat(file).st_size

    def marks(self, project: str, attempt: AttemptId) -> tuple[Mark, ...]:
        """What was noted while it ran, in order; lines that are not whole are left out."""
        with self._opened(project, attempt, "log.idx") as file:
            if file is None:
                return ()
            with open(file, "rb", closefd=False) as lines:
                return tuple(mark for line in lines if (mark := _mark(line)) is not None)

    @contextmanager
    def _opened(self, project: str, attempt: AttemptId, name: str) -> Iterator[int | None]:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
        try:
            opened = self._data.open(f"{datadir.attempt_path(project, attempt)}/{name}", flags)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        try:
            yield opened if stat.S_ISREG(os.fstat(opened).st_mode) else None
        finally:
            os.close(opened)


def _mark(line: bytes) -> Mark | None:
    found = _LINE.match(line)
    if found is None or not line.endswith(b"\n"):
        return None
    return Mark(datetime.fromtimestamp(int(found[1]), UTC), int(found[2]), int(found[3]))
