"""In which order jobs are shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final

from tovi_server.core.job_words import count_ended
from tovi_server.core.states import FINAL, TaskState
from tovi_server.core.views import JobView

_BUSY_FIRST: Final = {
    state: place for place, state in enumerate(("running", "starting", "queued", "waiting", *sorted(FINAL)))
}

_KEYS: Final[dict[str, Callable[[JobView], str | float]]] = {
    "name": lambda job: job.name.lower(),
    "user": lambda job: job.user,
    "state": lambda job: _BUSY_FIRST.get(TaskState(job.state), len(_BUSY_FIRST)),
    "progress": lambda job: count_ended(job.tasks_by_state) / max(1, job.tasks_total),
    "time": lambda job: (job.started_at or job.submitted_at).timestamp(),
    "cpus": lambda job: job.requested.cpu_millicores if job.requested else 0,
}
COLUMNS: Final = ("id", *_KEYS)
_REVERSE: Final = "-"


@dataclass(frozen=True, slots=True)
class Order:
    """By a column; `id` is the newest first, one's own before all others."""

    column: str = COLUMNS[0]
    reverse: bool = False

    def next(self) -> Order:
        """By the column after this one."""
        return Order(COLUMNS[(COLUMNS.index(self.column) + 1) % len(COLUMNS)])

    def turned(self) -> Order:
        return replace(self, reverse=not self.reverse)

    def sorted(self, jobs: Iterable[JobView], *, me: str) -> list[JobView]:
        """The jobs in this order; among equals the newest comes first."""
        ordered = sorted(jobs, key=lambda job: (job.user != me, -job.id) if self.column == "id" else (False, -job.id))
        if self.column != "id":
            ordered.sort(key=_KEYS[self.column], reverse=self.reverse)
        elif self.reverse:
            ordered.reverse()
        return ordered

    @property
    def kept(self) -> str:
        """As it is remembered: `name`, or `-name` for the other way; nothing for what is usual."""
        return "" if self == Order() else f"{_REVERSE * self.reverse}{self.column}"

    @property
    def words(self) -> str:
        """As the title says it; nothing for what is usual."""
        if self == Order():
            return ""
        return f"by {self.column} {'▲' if self.reverse else '▼'}"


def kept_order(text: str) -> Order:
    """What was remembered; the usual one where another version knew others."""
    column = text.removeprefix(_REVERSE)
    return Order(column, reverse=text.startswith(_REVERSE)) if column in COLUMNS else Order()
