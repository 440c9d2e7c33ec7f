"""The filter line of the queue: `state:running user:me tag:paper sweep`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from tovi_server.core.errors import UsageError
from tovi_server.core.filters import JobFilter
from tovi_server.core.job_words import state_text
from tovi_server.core.states import TaskState
from tovi_server.core.views import JobView
from tovi_tui.text.states import HELD, look_of

WORDS: Final = ("state", "user", "tag", "project", "queue")
_ME: Final = "me"
_STATE: Final = "state:"
_NOT_STARTED: Final = (TaskState.WAITING, TaskState.QUEUED)
_STATES: Final = {
    **{look_of(state).word: (state,) for state in TaskState},
    **{state.value: (state,) for state in TaskState},
    HELD: _NOT_STARTED,
}
"""What each word for a state asks the manager for, who counts what is held as waiting or queued."""


@dataclass(frozen=True, slots=True)
class Scope:
    """Beside the words: whether ended jobs are shown too, and everybody's."""

    ended: bool = False
    everybody: bool = False


def read_filter(text: str, *, me: str, scope: Scope) -> JobFilter:
    """What the line asks for.

    Raises:
        UsageError: a word cannot be meant.
    """
    found = JobFilter(unfinished=not scope.ended, everybody=scope.everybody)
    names = []
    for word in text.split():
        key, colon, value = word.partition(":")
        if colon:
            found = _with(found, key, value, me)
        else:
            names.append(word)
    return replace(found, name=" ".join(names) or None)


def keeps(text: str, job: JobView) -> bool:
    """Whether the line means this job, of those that were asked for: `state:held` is not all that waits."""
    words = [word.removeprefix(_STATE) for word in text.split() if word.startswith(_STATE)]
    if HELD not in words or state_text(job) == HELD:
        return True
    return any(job.state in _STATES.get(word, ()) for word in words if word != HELD)


def _with(found: JobFilter, key: str, value: str, me: str) -> JobFilter:
    if key not in WORDS:
        raise UsageError(f'"{key}:" is no word of a filter', hint=nearest(key, WORDS))
    if not value:
        raise UsageError(f'"{key}:" needs a value', hint=f"for instance {key}:{_EXAMPLES[key]}")
    match key:
        case "state":
            states = _states(value)
            unfinished = found.unfinished and not any(state.is_final for state in states)
            return replace(found, states=tuple(dict.fromkeys((*found.states, *states))), unfinished=unfinished)
        case "user":
            return replace(found, user=me if value == _ME else value)
        case "tag":
            return replace(found, tag=value)
        case "project":
            return replace(found, project=value)
        case _:
            return replace(found, queue=value)


_EXAMPLES: Final = {"state": "running", "user": _ME, "tag": "paper", "project": "lens", "queue": "default"}


def _states(value: str) -> tuple[TaskState, ...]:
    try:
        return _STATES[value]
    except KeyError as error:
        raise UsageError(f'"{value}" is no state', hint=nearest(value, _STATES)) from error


def nearest(word: str, words: Iterable[str]) -> str:
    """A hint: which of the words may be meant."""
    near = get_close_matches(word, list(words), n=1)
    return f"perhaps {near[0]}" if near else f"there are {', '.join(sorted(words))}"
