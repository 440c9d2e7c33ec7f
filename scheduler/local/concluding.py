"""After an attempt's shim ended: end what it left, and note how it ended."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from dataclasses import replace
from typing import Final, TypeVar

import structlog

from scheduler.local import control, ending, processes
from scheduler.local.control import Exit
from scheduler.local.running import Running, Shim

_GONE_WITHIN_S: Final = 5.0
_POLL_S: Final = 0.01

log = structlog.get_logger(__name__)
T = TypeVar("T")


class ClaimedByAnotherError(Exception):
    """A shim found the attempt claimed, and did nothing."""


def conclude(running: Running, *, now: float) -> Exit | None:
    """How it ended, noted durably; None when nobody knows. All that it started has ended.

    Raises:
        ClaimedByAnotherError: it has not ended; another shim runs it.
    """
    status, cpu_s = (None, None) if running.shim is None else _reap(running.shim)
    started = status is None or status >= 0 or _did_start(running)
    if running.cgroup is not None:
        running.cgroup.kill()
    running.marks.look(now)
    ended = _found(running, status) if started else _unstarted(running)
    if ended is not None and not ended.complete:
        ended = _complete(running, ended, cpu_s=cpu_s, now=now)
        _note(running, ended)
    if running.cgroup is not None:
        running.cgroup.remove()
    return ended


def _did_start(running: Running) -> bool:
    """Whether a shim that was ended by a signal had claimed its attempt. If nobody had, nobody can from now on.

    A shim of an earlier server may be about to: what is told as ended must not start after that.
    """
    claim = control.read_claim(running.order.control)
    if claim is not None and running.shim is not None and claim.pid == running.shim.pid:
        return True
    try:
        control.close_claim(running.order.control)
    except FileExistsError as error:
        raise ClaimedByAnotherError from error
    except OSError as error:
        log.error("claim_not_closed", attempt=str(running.order.attempt), error=str(error))
    return False


def _unstarted(running: Running) -> Exit:
    if running.cause is not None:
        return Exit(ending.KILLED, running.cause)
    return ending.unclaimed(control.why_unwritable(running.order.control))


def _found(running: Running, status: int | None) -> Exit | None:
    """As the shim noted it, or as it can be told of a shim that could not."""
    noted = control.read_exit(running.order.control)
    if noted is not None:
        return noted
    if running.cause is not None:
        return Exit(ending.KILLED, running.cause)
    return None if status is None else ending.of_status(status)


def _reap(shim: Shim) -> tuple[int | None, float | None]:
    """The exit status of a child (-n for signal n) and the CPU time of all that was waited for in its tree.

    Its group is ended while the dead leader still keeps the group's number from being used again.
    """
    try:
        os.waitid(os.P_PID, shim.pid, os.WEXITED | os.WNOWAIT)
    except ChildProcessError:
        return None, None
    with suppress(ProcessLookupError):
        os.killpg(shim.pid, signal.SIGKILL)
    _, status, used = os.wait4(shim.pid, 0)
    _wait_for_group(shim.pid)
    return os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime


def _wait_for_group(group: int) -> None:
    """Until all in it is gone; the dead, whom a slow init leaves lying about, are not waited for."""
    until = time.monotonic() + _GONE_WITHIN_S
    with suppress(ProcessLookupError):
        os.killpg(group, 0)
        while any(one.group == group and not one.is_dead for one in processes.everything()):
            if time.monotonic() > until:
                return
            time.sleep(_POLL_S)


def _complete(running: Running, ended: Exit, *, cpu_s: float | None, now: float) -> Exit:
    cgroup = running.cgroup
    peak = None if cgroup is None else cgroup.peak_bytes()
    ended = replace(
        ended,
        at=ended.at or now,
        cpu_s=_first(cpu_s, control.read_times(running.order.control), running.use.cpu_s),
        memory_bytes=_first(peak, running.use.peak_bytes),
        complete=True,
    )
    return ending.judged(ended, cause=running.cause, ran_out_of_memory=cgroup is not None and cgroup.ran_out())


def _first(*known: T | None) -> T | None:
    return next((one for one in known if one is not None), None)


def _note(running: Running, ended: Exit) -> None:
    try:
        control.write_exit(running.order.control, ended)
    except OSError as error:
        log.error("exit_not_noted", attempt=str(running.order.attempt), error=str(error))
