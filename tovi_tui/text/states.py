"""A state as a glyph, a word and a tone: never as a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tovi_server.core.job_words import state_text
from tovi_server.core.states import TaskState
from tovi_server.core.views import JobView, TaskView
from tovi_tui.text.span import Span, Tone

HELD: Final = "held"


@dataclass(frozen=True, slots=True)
class StateLook:
    """How one state looks."""

    glyph: str
    word: str
    tone: Tone

    @property
    def span(self) -> Span:
        return Span(f"{self.glyph} {self.word}", self.tone)

    @property
    def mark(self) -> Span:
        """The glyph alone, for grids and graphs."""
        return Span(self.glyph, self.tone)


_LOOKS: Final[Mapping[str, StateLook]] = {
    TaskState.WAITING: StateLook("◷", "waiting", Tone.WAIT),
    TaskState.QUEUED: StateLook("○", "queued", Tone.WAIT),
    TaskState.STARTING: StateLook("◔", "starting", Tone.BUSY),
    TaskState.RUNNING: StateLook("●", "running", Tone.BUSY),
    TaskState.SUCCEEDED: StateLook("✓", "done", Tone.GOOD),
    TaskState.FAILED: StateLook("✗", "failed", Tone.BAD),
    TaskState.CANCELLED: StateLook("⊘", "cancelled", Tone.DIM),
    TaskState.SKIPPED: StateLook("–", "skipped", Tone.DIM),
    HELD: StateLook("‖", HELD, Tone.WAIT),
}


def look_of(state: str) -> StateLook:
    """The look of a state; one that this version does not know is shown by its word."""
    return _LOOKS.get(state, StateLook("?", state, Tone.PLAIN))


def state_of(view: JobView | TaskView) -> StateLook:
    """The look of a job or task, which is held where that is what keeps it from starting."""
    return look_of(state_text(view))
