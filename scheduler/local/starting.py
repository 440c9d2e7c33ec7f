"""Starting an attempt, or finding the one that was started before."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Final

from scheduler.local import boot, control, processes, spawn
from scheduler.local.cgroups import Cgroup, Cgroups
from scheduler.local.control import Claim
from scheduler.local.lifeline import Lifeline
from scheduler.local.running import Running, Shim
from scheduler.local.spawn import Launch
from scheduler.logs import LogMarks
from scheduler.ports import Order

_CLAIM_WITHIN_S: Final = 2.0
_POLL_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class Means:
    """What attempts are started with."""

    line: Lifeline
    boot_id: str
    cgroups: Cgroups | None


def begin(order: Order, means: Means) -> Running:
    """Start it, or find it running or ended when it was started before.

    Raises:
        OSError, ValueError: it cannot start; nothing runs.
    """
    if control.was_claimed(order.control) or control.was_noted(order.control):
        return _adopt(order, means)
    return _launch(order, means)


def _launch(order: Order, means: Means) -> Running:
    cgroup = None if means.cgroups is None else means.cgroups.make(order.control, order.request.memory_bytes)
    launch = Launch(order, means.boot_id, None if cgroup is None else cgroup.join)
    try:
        pid, pidfd = spawn.spawn(launch, means.line)
    except (OSError, ValueError):
        if cgroup is not None:
            cgroup.remove()
        raise
    return Running(order, Shim(pid, pidfd), cgroup, order.timeout.total_seconds(), LogMarks(order.control))


def _adopt(order: Order, means: Means) -> Running:
    claim = _claim(order) if control.was_claimed(order.control) else None
    runs = claim is not None and claim.boot_id == means.boot_id
    return Running(
        order=order,
        shim=_shim(claim) if claim is not None and runs else None,
        cgroup=_cgroup(order, means),
        remaining_s=_remaining_s(order, claim) if claim is not None and runs else 0,
        marks=LogMarks(order.control),
        is_adopted=True,
        started_at=None if claim is None else claim.at,
        cause=control.read_ending(order.control),
    )


def _remaining_s(order: Order, claim: Claim) -> float:
    return claim.started / boot.TICKS_A_SECOND + order.timeout.total_seconds() - boot.uptime_s()


def _cgroup(order: Order, means: Means) -> Cgroup | None:
    """The one that a server before this made; None when it made none."""
    if means.cgroups is None:
        return None
    cgroup = means.cgroups.of(order.control)
    return cgroup if cgroup.join.exists() else None


def _claim(order: Order) -> Claim | None:
    """Its shim writes it in the moment after it made it."""
    until = time.monotonic() + _CLAIM_WITHIN_S
    while (claim := control.read_claim(order.control)) is None and time.monotonic() < until:
        time.sleep(_POLL_S)
    return claim


def _shim(claim: Claim) -> Shim | None:
    """The very process that claimed it; None when that is gone."""
    try:
        pidfd = os.pidfd_open(claim.pid)
    except ProcessLookupError:
        return None
    found = processes.process(claim.pid)
    if found is None or found.started != claim.started:
        os.close(pidfd)
        return None
    return Shim(claim.pid, pidfd)
