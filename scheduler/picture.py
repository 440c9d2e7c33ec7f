"""What waits and runs, kept up with: of ten thousand jobs only those are read again to which something happened."""

from __future__ import annotations

from collections.abc import Container

from scheduler.ports import Queue
from scheduler.snapshot import Active, Node, Snapshot, StageQueue
from tovi_server.core.ids import AttemptId, JobId


class Picture:
    """Equal to what the queue would answer if it were asked for everything."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._seen: int | None = None
        self._waiting: dict[JobId, list[StageQueue]] = {}
        self._active: tuple[Active, ...] = ()

    @property
    def active(self) -> tuple[Active, ...]:
        """As of the last time, like all that follows."""
        return self._active

    def snapshot(self, nodes: tuple[Node, ...], ended: Container[AttemptId]) -> Snapshot:
        """With these nodes, and without what ended and is not recorded yet; what waits is in no order."""
        waiting = tuple(entry for entries in self._waiting.values() for entry in entries)
        return Snapshot(nodes, waiting, tuple(one for one in self._active if one.attempt not in ended))

    async def catch_up(self) -> bool:
        """Whether anything happened since the last time."""
        changes = await self._queue.look(after=self._seen)
        if changes is None:
            return False
        self._forget(changes.jobs)
        for entry in changes.waiting:
            self._waiting.setdefault(entry.job, []).append(entry)
        self._active, self._seen = changes.active, changes.last
        return True

    def _forget(self, jobs: frozenset[JobId] | None) -> None:
        for job in list(self._waiting) if jobs is None else jobs:
            self._waiting.pop(job, None)
