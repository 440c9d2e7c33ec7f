"""Orders of the queue."""

from __future__ import annotations

from scheduler.snapshot import StageQueue


class PriorityFifo:
    """Higher priority first; of the same priority whoever submitted first."""

    def key(self, entry: StageQueue) -> tuple[float, ...]:
        return (-entry.priority, entry.submitted_at.timestamp())
