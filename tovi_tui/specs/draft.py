"""The text in the editor, kept over sessions: nothing that was written is lost, and nothing is queued twice."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from tovi_server.core.preferences import LONGEST


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

    @property
    def kept(self) -> str:
        """What `kept_draft` makes it of again; empty: nothing needs to be kept, or it is too long for that."""
        if not self.is_unsent:
            return ""
        last = self.attempt
        sent = [last.project, last.key] if last is not None and last.text == self.text else []
        kept = json.dumps({"text": self.text, "sent": sent})
        return kept if len(kept) <= LONGEST else ""

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


def kept_draft(kept: str) -> Draft:
    """The draft of another session; an empty one when there is none that could be read."""
    try:
        match json.loads(kept):
            case {"text": str(text), "sent": [str(project), str(key)]}:
                return Draft(text, attempt=Attempt(text, project, key))
            case {"text": str(text)}:
                return Draft(text)
    except ValueError:
        pass
    return Draft()
