"""One attempt under way, as this server knows it."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass, field

from scheduler.local import control
from scheduler.local.cgroups import Cgroup
from scheduler.ports import Order
from tovi_server.core.reasons import EndReason


@dataclass(frozen=True, slots=True)
class Shim:
    """The process that leads an attempt's group. `pidfd` is held until it ended."""

    pid: int
    pidfd: int

    def signal_group(self, number: signal.Signals) -> None:
        """To all in its group, itself too; to nobody once it is gone: then the number may be another's."""
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(self.pidfd, 0)
            os.killpg(self.pid, number)


@dataclass(slots=True)
class Running:
    order: Order
    shim: Shim | None
    """None: it was started before, and has ended."""
    cgroup: Cgroup | None
    remaining_s: float
    """Of its time limit, when it was started or found."""
    started_at: float | None = None
    """In seconds since 1970; None: right now, or unknown."""
    cause: EndReason | None = None
    """Why it is being ended; None while it is not."""
    message: str = ""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)
    cpu_s: float | None = None
    """As last sampled."""
    memory_bytes: int | None = None
    """The largest sample."""

    def ask_to_end(self) -> None:
        """TERM, once it is noted why."""
        if self.shim is not None and self.cause is not None:
            control.write_ending(self.order.control, self.cause)
            self.shim.signal_group(signal.SIGTERM)

    def kill(self) -> None:
        """All of it, the shim too."""
        if self.shim is not None:
            self.shim.signal_group(signal.SIGKILL)
        if self.cgroup is not None:
            self.cgroup.kill()

    def forget_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
