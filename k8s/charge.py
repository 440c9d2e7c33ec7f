"""One attempt under way, as this executor knows it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from k8s.ended import Ended
from k8s.requests import Made
from k8s.status import Running, Waiting
from scheduler.logs import LogMarks
from scheduler.ports import Order
from tovi_server.core.reasons import EndReason


@dataclass(slots=True)
class Ending:
    """What an attempt is being ended for, by us. The first cause counts."""

    reason: EndReason
    message: str = ""
    is_asked: bool = False
    """The cluster has been told."""
    problem: str = ""
    """Why it could not be told; empty: nothing is known against it."""


@dataclass(slots=True)
class Charge:
    order: Order
    label: str
    name: str
    """Of its pod."""
    marks: LogMarks
    made: Made | None = None
    """Its pod, as it was created or first seen; None: nothing is known of one."""
    condition: Waiting | Running | Ended | None = None
    ending: Ending | None = None
    missing_since_s: float | None = None
    """By the loop's clock: since when its pod is not there any more."""
    delayed_by: str = ""
    """What was last told of why it cannot go on; empty: nothing stands in its way."""
    told_at_s: float = -math.inf
    """By the loop's clock: when that was."""
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return isinstance(self.condition, Ended)

    def later(self, seconds: float, action: Callable[[], object]) -> None:
        self.timers.append(asyncio.get_running_loop().call_later(max(0, seconds), action))

    def forget_timers(self) -> None:
        for timer in self.timers:
            timer.cancel()
        self.timers.clear()
