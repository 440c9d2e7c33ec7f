"""The parameters of a job that runs again: as they were, and as they shall be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tovi_server.core.errors import ToviError
from tovi_server.core.safe import safe_line
from tovi_server.core.spec import Spec
from tovi_server.core.views import TaskView
from tovi_tui.text.span import Line, Span, Tone, line

_QUOTED: Final = re.compile(r'parameter "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Param:
    """`written` is what the tovi.yaml says, `used` what the job ran with: others, where it was submitted with some.

    Where stages disagree about it, both are None: it is left as it is unless it is set.
    """

    name: str
    written: str | None
    used: str | None

    @property
    def shown(self) -> str:
        """In a field of one line."""
        return safe_line(self.used or "")


def params_of(spec: Spec, tasks: Iterable[TaskView]) -> tuple[Param, ...]:
    """All parameters that can be set, in the order of the file."""
    ran = {(task.stage, name): value for task in tasks for name, value in task.params.items()}
    written, used = dict[str, set[str]](), dict[str, set[str]]()
    for stage in spec.stages:
        for name, value in stage.params.items():
            written.setdefault(name, set()).add(value)
            used.setdefault(name, set()).add(ran.get((stage.name, name), value))
    return tuple(Param(name, _only(values), _only(used[name])) for name, values in written.items())


def to_send(params: Sequence[Param], typed: Mapping[str, str]) -> dict[str, str]:
    """What `rerun` is told: nothing when all stays as it was, else every value that is known.

    Those that it is not told it takes from the file, not from what the job ran with.
    """
    if not changed(params, typed):
        return {}
    return {one.name: value for one in params if (value := _wanted(one, typed)) is not None}


def changed(params: Sequence[Param], typed: Mapping[str, str]) -> tuple[Param, ...]:
    """Those that are typed otherwise than they were."""
    return tuple(one for one in params if typed[one.name] != one.shown)


def changed_lines(params: Sequence[Param], typed: Mapping[str, str]) -> list[Line]:
    """Each with its old and new value."""
    return [
        line(f"  {one.name}  ", Span(one.shown or "–", Tone.DIM), " → ", Span(typed[one.name], Tone.BOLD))
        for one in changed(params, typed)
    ]


def param_named(error: ToviError, params: Sequence[Param]) -> str | None:
    """The parameter that the error is about; None when it is about something else."""
    found = _QUOTED.search(error.what)
    return next((one.name for one in params if found and one.name == found[1]), None)


def _wanted(one: Param, typed: Mapping[str, str]) -> str | None:
    """An untouched one keeps its value whole, also where it has several lines."""
    return one.used if typed[one.name] == one.shown else typed[one.name]


def _only(values: set[str]) -> str | None:
    return next(iter(values)) if len(values) == 1 else None
