"""How long something has lasted, as lists tell it."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from tovi_server.core.durations import format_duration
from tovi_server.core.job_words import time_taken
from tovi_server.core.look import Look
from tovi_server.core.views import JobView, TaskView

_MINUTE: Final = timedelta(minutes=1)


def lasting(what: JobView | TaskView, look: Look) -> str:
    """How long it ran, or has waited: of what goes on in whole minutes, as seconds would change all the while."""
    if what.ended_at is not None:
        return time_taken(what, look)
    gone = look.now - (what.started_at or what.submitted_at)
    return format_duration(gone if gone < _MINUTE else gone - gone % _MINUTE)
