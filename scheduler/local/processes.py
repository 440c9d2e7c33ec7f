"""What /proc says of processes. A process is known by its pid and its start time together: pids are used again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scheduler.local.boot import TICKS_A_SECOND

_PAGE: Final = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of /proc/PID/stat; `started` is in clock ticks since boot."""

    pid: int
    state: str
    group: int
    session: int
    cpu_s: float
    """With children it waited for."""
    started: int
    memory_bytes: int
    """Resident."""

    @property
    def key(self) -> tuple[int, int]:
        """Another for every process since boot."""
        return self.pid, self.started

    @property
    def is_of_kernel(self) -> bool:
        """It is in no session, as threads of the kernel are."""
        return self.session == 0

    @property
    def is_dead(self) -> bool:
        """It only waits for its parent to take notice."""
        return self.state in "ZX"


def process(pid: int) -> Process | None:
    """What runs under the pid now; None for nothing."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:  # noqa: PTH123  # read for every process each second
            line = file.read()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = line[line.rindex(b")") + 2 :].split()
    return Process(
        pid=pid,
        state=fields[0].decode(),
        group=int(fields[2]),
        session=int(fields[3]),
        cpu_s=sum(map(int, fields[11:15])) / TICKS_A_SECOND,
        started=int(fields[19]),
        memory_bytes=int(fields[21]) * _PAGE,
    )


def everything() -> Iterator[Process]:
    """All that runs on this machine, as far as it can be seen."""
    for name in os.listdir("/proc"):  # noqa: PTH208  # names are all that is wanted, each second
        if name.isdigit() and (found := process(int(name))) is not None:
            yield found


def environment(pid: int) -> list[bytes]:
    """What a process was started with, as `NAME=value`; nothing where that cannot be seen."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:  # noqa: PTH123  # as above
            return file.read().split(b"\0")
    except OSError:
        return []


def uid(pid: int) -> int | None:
    """Whose process it is; None when it is gone."""
    try:
        return Path(f"/proc/{pid}").stat().st_uid
    except FileNotFoundError:
        return None
