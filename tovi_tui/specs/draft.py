"""The text in the editor, for a whole session: nothing that was written is lost, and nothing is queued twice."""

from __future__ import annotations

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Attempt:
    """A submission that may have arrived, though no answer has come."""

    text: str
    project: str
    key: str
    """The manager gives one job for it, however often it is sent."""


@dataclass(frozen=True, slots=True)
class Draft:
    """`queued` is the text that became a job last."""

    text: str = ""
    queued: str = ""
    attempt: Attempt | None = None

    @property
    def is_unsent(self) -> bool:
        """Whether something would be lost with it."""
        return bool(self.text.strip()) and self.text != self.queued

    def with_text(self, text: str) -> Draft:
        return replace(self, text=text)

    def sending(self, project: str, new_key: str) -> Attempt:
        """What to send: again the last one when it is the same and was not answered, else one with `new_key`."""
        last = self.attempt
        if last is not None and (last.text, last.project) == (self.text, project):
            return last
        return Attempt(self.text, project, new_key)

    def answered(self, attempt: Attempt) -> Draft:
        """It is a job now."""
        return replace(self, queued=attempt.text, attempt=None)
