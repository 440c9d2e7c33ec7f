"""What is said when a job of one's own ends."""

from __future__ import annotations

from tovi_server.core.views import JobView
from tovi_tui.text.states import look_of


def ended(job: JobView) -> str:
    """One line: which, how, and why where that is known."""
    look = look_of(job.state)
    why = f": {job.reason.message}" if job.reason else ""
    return f"{look.glyph} {job.id} {job.name} {look.word}{why}"
