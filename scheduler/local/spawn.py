"""Starting a shim: one vfork, with nothing of the server's but what it is handed."""

from __future__ import annotations

import fcntl
import math
import os
import shutil
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scheduler.local import boot, lifeline
from scheduler.local.lifeline import Lifeline
from scheduler.local.shim import COMMANDS_FD, LIFELINE_FD, SHIM
from scheduler.ports import Order, Owner

_SH: Final = "/bin/sh"
_LOG: Final = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW
_HIGH: Final = 10
"""Descriptors from here on are not those that a shim gets."""
_DEFAULT_SIGNALS: Final = sorted(
    one for one in signal.valid_signals() if one < signal.SIGRTMIN and one not in (signal.SIGKILL, signal.SIGSTOP)
)
"""Python ignores SIGPIPE, a server under nohup SIGHUP: tasks begin with nothing ignored."""


@dataclass(frozen=True, slots=True)
class Launch:
    """What a shim is told beside the order."""

    order: Order
    boot_id: str
    cgroup: Path | None
    """The file to join a control group by."""


def spawn(launch: Launch, line: Lifeline) -> tuple[int, int]:
    """The pid and a pidfd of a new shim, which runs the attempt, unless it was claimed before.

    Raises:
        OSError, ValueError: the system or an argument does not let it start; nothing runs then.
    """
    with _closing(line.opening()) as opening, _pipe() as (waits, says):
        pid = _spawn(launch, server=line.seen_from_outside, commands=waits, opening=opening)
        try:
            lifeline.tie(opening, pid)
            pidfd = os.pidfd_open(pid)
        except OSError:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise
        with suppress(BrokenPipeError):
            os.write(says, b"go\n")
        return pid, pidfd


def _spawn(launch: Launch, *, server: str, commands: int, opening: int) -> int:
    order = launch.order
    return os.posix_spawn(
        _SH,
        [_SH, "-c", SHIM, "tovi", *_arguments(launch), server, *_command(order)],
        _environment(order),
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, order.control / "stdout.log", _LOG, 0o600),
            (os.POSIX_SPAWN_OPEN, 2, order.control / "stderr.log", _LOG, 0o600),
            (os.POSIX_SPAWN_DUP2, opening, LIFELINE_FD),
            (os.POSIX_SPAWN_DUP2, commands, COMMANDS_FD),
        ],
        setsid=True,
        setsigdef=_DEFAULT_SIGNALS,
        setsigmask=[],
    )


def _arguments(launch: Launch) -> Sequence[str]:
    order = launch.order
    deadline = math.ceil(boot.uptime_s() + order.timeout.total_seconds())
    grace = math.ceil(order.grace.total_seconds())
    return [str(order.control), launch.boot_id, str(deadline), str(grace), str(launch.cgroup or "")]


def _command(order: Order) -> Sequence[str]:
    return [*_as_owner(order.owner), _SH, str(order.control / "script.sh")]


def _as_owner(owner: Owner) -> Sequence[str]:
    if owner.uid is None:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise FileNotFoundError(2, "the program setpriv (util-linux) is not there to leave root", "setpriv")
    group = owner.uid if owner.gid is None else owner.gid
    return [setpriv, f"--reuid={owner.uid}", f"--regid={group}", "--clear-groups", "--no-new-privs"]


def _environment(order: Order) -> Mapping[str, str]:
    """What the order says, and GPUs of its own only: with an empty list, CUDA sees none."""
    gpus = ",".join(map(str, order.gpu_ids))
    return {"HOME": f"{order.work}/home", **order.environment, "CUDA_VISIBLE_DEVICES": gpus, "TOVI_SIGNALS": "group"}


@contextmanager
def _pipe() -> Iterator[tuple[int, int]]:
    reads, writes = os.pipe2(os.O_CLOEXEC)
    with _closing(reads) as waits, _closing(writes) as says:
        yield waits, says


@contextmanager
def _closing(descriptor: int) -> Iterator[int]:
    """A copy that is out of the way of those a shim gets."""
    try:
        high = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    finally:
        os.close(descriptor)
    try:
        yield high
    finally:
        os.close(high)
