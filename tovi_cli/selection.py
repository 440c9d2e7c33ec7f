"""The options by which jobs are selected, shared by lists and by verbs that act on many."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from cyclopts import Parameter

from tovi_server.core.errors import UsageError
from tovi_server.core.filters import JobFilter
from tovi_server.core.states import TaskState


@Parameter(name="*")
@dataclass(frozen=True, slots=True)
class Selection:
    """Each option narrows."""

    user: str | None = None
    """Only this user's."""
    project: str | None = None
    """Only this project's."""
    state: tuple[str, ...] = ()
    """Only these states: running, or queued,waiting."""
    queue: str | None = None
    """Only this queue's."""
    tag: str | None = None
    """Only with this tag."""
    name: str | None = None
    """Only where the name holds this text."""

    def filter(self) -> JobFilter:
        """The same for the manager.

        Raises:
            UsageError: a state that does not exist.
        """
        return JobFilter(
            user=self.user,
            project=self.project,
            states=tuple(_state(word) for text in self.state for word in text.split(",")),
            queue=self.queue,
            tag=self.tag,
            name=self.name,
        )


EVERYTHING = Selection()


def _state(word: str) -> TaskState:
    try:
        return TaskState(word.strip())
    except ValueError:
        near = difflib.get_close_matches(word, list(TaskState), n=1)
        raise UsageError(
            f'"{word}" is not a state',
            why=f"the states are {', '.join(TaskState)}",
            hint=f"did you mean {near[0]}?" if near else "",
        ) from None
