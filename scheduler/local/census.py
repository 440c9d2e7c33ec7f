"""Which attempt a process belongs to, whatever session it fled into.

For where no control group tells. One that leaves its session and changes its environment too is not found: to be safe
from that takes a control group.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from scheduler.local import processes
from scheduler.local.processes import Process
from scheduler.ports import Order

_MARK: Final = b"TOVI_SCRATCH="
"""The private folder of an attempt is in the environment of all that it starts, and in no other's."""


class Census:
    """Looks at all processes of the machine. Remembers what it read of each: they keep their environment."""

    def __init__(self) -> None:
        self._marks: dict[tuple[int, int], bytes | None] = {}

    def take(self, orders: Iterable[Order], *, sessions: Mapping[int, Path]) -> Mapping[Path, Sequence[Process]]:
        """The live processes of attempts, by private folder; `sessions` says which ones are led by shims."""
        uids = {order.work: _uid(order) for order in orders}
        found: dict[Path, list[Process]] = {}
        marks: dict[tuple[int, int], bytes | None] = {}
        for one in processes.everything():
            if one.is_dead or one.is_of_kernel:
                continue
            marks[one.key] = mark = self._marks[one.key] if one.key in self._marks else _mark(one)
            folder = sessions.get(one.session) or _marked_folder(one, mark, uids)
            if folder is not None:
                found.setdefault(folder, []).append(one)
        self._marks = marks
        return found


def kill(one: Process) -> None:
    """End just this process."""
    with suppress(OSError):
        pidfd = os.pidfd_open(one.pid)
        try:
            now = processes.process(one.pid)
            if now is not None and now.started == one.started:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        finally:
            os.close(pidfd)


def _uid(order: Order) -> int:
    return os.geteuid() if order.owner.uid is None else order.owner.uid


def _marked_folder(one: Process, mark: bytes | None, uids: Mapping[Path, int]) -> Path | None:
    """Anybody can take a mark; it counts for processes of the user whose attempt it is."""
    folder = Path(os.fsdecode(mark)) if mark else None
    return folder if folder is not None and folder in uids and processes.uid(one.pid) == uids[folder] else None


def _mark(one: Process) -> bytes | None:
    entries = processes.environment(one.pid)
    return next((entry.removeprefix(_MARK) for entry in entries if entry.startswith(_MARK)), None)
