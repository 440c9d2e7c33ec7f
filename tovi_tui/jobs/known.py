"""What only a question about one task tells of it: it stays told when the list of tasks comes again."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_server.core.reasons import Reason
from tovi_server.core.views import AttemptView


@dataclass(frozen=True, slots=True)
class Known:
    """`task` is its id; empty: nothing is known of any."""

    task: str = ""
    attempts: tuple[AttemptView, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """Why it waits, the most telling first."""
