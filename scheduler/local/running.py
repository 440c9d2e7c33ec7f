"""One attempt under way, as this server knows it."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from scheduler.local import control
from scheduler.local.cgroups import Cgroup
from scheduler.local.processes import Process
from scheduler.logs import LogMarks
from scheduler.ports import Order
from tovi_server.core.reasons import EndReason


class Shim:
    """The process that leads an attempt's session and group, held by a pidfd."""

    def __init__(self, pid: int, pidfd: int) -> None:
        self.pid = pid
        self.pidfd = pidfd
        self._lock = threading.Lock()
        self._closed = False

    def signal_group(self, number: signal.Signals) -> None:
        """To all in its group, itself too; to nobody once it is gone: then the number may be another's."""
        with self._lock, suppress(ProcessLookupError, PermissionError):
            if not self._closed:
                signal.pidfd_send_signal(self.pidfd, 0)
                os.killpg(self.pid, number)

    def close(self) -> None:
        """Forget it, alive or not."""
        with self._lock:
            self._closed = True
            os.close(self.pidfd)


@dataclass(slots=True)
class Use:
    """What an attempt uses, as far as it was looked at."""

    cpu_s: float | None = None
    memory_bytes: int = 0
    """When last looked at."""
    peak_bytes: int | None = None

    def add(self, members: Iterable[Process], *, with_cpu: bool) -> None:
        """What its processes use now."""
        members = tuple(members)
        self.memory_bytes = sum(one.memory_bytes for one in members)
        self.peak_bytes = max(self.memory_bytes, self.peak_bytes or 0)
        if with_cpu:
            self.cpu_s = max(self.cpu_s or 0, sum(one.cpu_s for one in members))


@dataclass(slots=True)
class Running:
    order: Order
    shim: Shim | None
    """None: it was started before, and has ended."""
    cgroup: Cgroup | None
    remaining_s: float
    """Of its time limit, when it was started or found."""
    marks: LogMarks
    is_adopted: bool = False
    """It was started by another server, or before this one knew of it."""
    started_at: float | None = None
    """In seconds since 1970; None: right now, or unknown."""
    cause: EndReason | None = None
    """Why it is being ended; None while it is not."""
    since: float = 0
    """When the event loop took it, by the loop's clock."""
    use: Use = field(default_factory=Use)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def ask_to_end(self) -> None:
        """TERM, once it is noted why."""
        self._note_cause()
        if self.shim is not None:
            self.shim.signal_group(signal.SIGTERM)

    def kill(self) -> None:
        """All of it, the shim too."""
        self._note_cause()
        if self.shim is not None:
            self.shim.signal_group(signal.SIGKILL)
        if self.cgroup is not None:
            self.cgroup.kill()

    @property
    def may_leave_some(self) -> bool:
        """Whether its end may not have ended all: setsid leaves a group, and a lone shim's helpers are in no cgroup."""
        return self.cgroup is None or self.is_adopted

    def forget_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()

    def _note_cause(self) -> None:
        if self.cause is not None:
            control.write_ending(self.order.control, self.cause)
