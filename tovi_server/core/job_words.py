"""The words for a job or task in a list: its state, how far it is, how long it took."""

from __future__ import annotations

from collections.abc import Mapping

from tovi_server.core.look import Look
from tovi_server.core.states import FINAL, TaskState
from tovi_server.core.views import JobView, TaskView

_NOT_STARTED = frozenset({TaskState.WAITING, TaskState.QUEUED})


def state_text(view: JobView | TaskView) -> str:
    """The state, or `held` where that is what keeps it from starting."""
    return "held" if view.held and view.state in _NOT_STARTED else view.state


def count_ended(by_state: Mapping[str, int]) -> int:
    """How many tasks of these counts are final."""
    return sum(by_state.get(state, 0) for state in FINAL)


def progress(total: int, by_state: Mapping[str, int]) -> str:
    """`38/60, 2 failed`: how many ended, of how many."""
    failed = by_state.get(TaskState.FAILED, 0)
    return f"{count_ended(by_state)}/{total}" + (f", {failed} failed" if failed else "")


def time_taken(job: JobView | TaskView, look: Look) -> str:
    """How long it ran, or has waited."""
    return look.length(job.started_at or job.submitted_at, job.ended_at)
