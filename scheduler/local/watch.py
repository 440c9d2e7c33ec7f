"""Looks at what runs, about once a second: its logs, its memory, what it used; and ends what fled and stayed behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from scheduler.local import census
from scheduler.local.census import Census
from scheduler.local.processes import Process
from scheduler.local.running import Running
from scheduler.ports import Order
from tovi_server.core.reasons import EndReason

_CLEAR_LOOKS: Final = 2
"""An attempt is over once so many looks in a row found nothing of it."""


class Verdict(NamedTuple):
    """An attempt that has to end now, and why."""

    running: Running
    reason: EndReason


class Watch:
    """Used by one thread at a time."""

    def __init__(self, *, sample_every: int) -> None:
        """What attempts used is sampled with every so many looks."""
        self._sample_every = sample_every
        self._looks = 0
        self._census = Census()
        self._over: dict[Path, tuple[Order, int]] = {}

    def look(self, everything: Sequence[Running], *, over: Sequence[Order], now: float) -> tuple[Verdict, ...]:
        """Note what there is to note, end what those that are over hid from their groups, and say what has to end."""
        self._looks += 1
        self._over |= {order.work: (order, 0) for order in over}
        if self._over or self._is_sample() or any(running.cgroup is None for running in everything):
            self._count(everything)
        return tuple(_verdicts(everything, now))

    def _is_sample(self) -> bool:
        return self._looks % self._sample_every == 0

    def _count(self, everything: Sequence[Running]) -> None:
        over = dict(self._over)
        orders = [*(running.order for running in everything), *(order for order, _ in over.values())]
        sessions = {one.shim.pid: one.order.work for one in everything if one.shim is not None}
        found = self._census.take(orders, sessions=sessions)
        for running in everything:
            running.use.add(found.get(running.order.work, ()), with_cpu=self._is_sample())
        for work, (order, clear) in over.items():
            self._clear(order, clear, found.get(work, ()))

    def _clear(self, order: Order, clear: int, left: Sequence[Process]) -> None:
        for one in left:
            census.kill(one)
        if left or clear < _CLEAR_LOOKS:
            self._over[order.work] = (order, 0 if left else clear + 1)
        else:
            del self._over[order.work]


def _verdicts(everything: Sequence[Running], now: float) -> Iterator[Verdict]:
    for running in everything:
        log_bytes = running.marks.look(now)
        if log_bytes > running.order.log_limit_bytes:
            yield Verdict(running, EndReason.LOG_TOO_LARGE)
        elif _ran_out(running):
            yield Verdict(running, EndReason.OUT_OF_MEMORY)


def _ran_out(running: Running) -> bool:
    if running.cgroup is not None:
        return running.cgroup.ran_out()
    limit = running.order.request.memory_bytes
    return 0 < limit < running.use.memory_bytes
