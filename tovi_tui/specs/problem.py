"""What is wrong with a tovi.yaml, and where."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from tovi_server.core.errors import InvalidSpecError, ToviError
from tovi_server.core.spec import Spec
from tovi_server.core.spec_reader import read_spec
from tovi_server.core.yaml_node import Mark, Node, Table
from tovi_server.core.yaml_reader import FILE, read_document
from tovi_tui.text.span import Line, Span, Tone, line

_PLACED: Final = re.compile(rf"{re.escape(FILE)}:(\d+):(\d+): ")
_ABOUT_STAGE: Final = re.compile(r'(?:stage|task) "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Problem:
    """One error and the place in the text that it is about; None where it is about all of it."""

    error: ToviError
    mark: Mark | None


def read(text: str) -> Spec | Problem:
    """The spec that the text is, or the first thing that is wrong with it."""
    try:
        return read_spec(text)
    except InvalidSpecError as error:
        return problem_of(error, text)


def problem_of(error: ToviError, text: str) -> Problem:
    """An error about the text, placed: by what it says itself, or by the stage that it names."""
    if placed := _PLACED.match(error.what):
        return Problem(error, Mark(int(placed[1]), int(placed[2])))
    about = _ABOUT_STAGE.search(error.what)
    return Problem(error, _stage_mark(text, about[1]) if about else None)


def problem_lines(problem: Problem) -> tuple[Line, ...]:
    """Where, what, why and a way out."""
    error = problem.error
    where = f"{problem.mark} " if problem.mark else ""
    what = line(Span(f" ✗ {where}", Tone.BAD), _PLACED.sub("", error.what))
    more = " · ".join(part for part in (error.why, error.hint) if part)
    return (what, line(Span(f"   {more}", Tone.DIM))) if more else (what,)


def _stage_mark(text: str, name: str) -> Mark | None:
    try:
        document = read_document(text)
    except InvalidSpecError:
        return None
    return next((mark for stage, mark in _keys_in(document, "stages") if stage == name), None)


def _keys_in(document: Node, key: str) -> Iterator[tuple[str, Mark]]:
    if isinstance(document, Table):
        for entry in document.entries:
            if entry.key.text == key and isinstance(entry.value, Table):
                yield from ((inner.key.text, inner.key.mark) for inner in entry.value.entries)
