"""The ```console blocks of a Markdown file: lines that begin with `$ ` are typed, what follows them comes back.

What comes back is stdout: what is said on stderr beside it may depend on chance. In it, `...` stands for anything, and
white space is as good as other white space. `12` stands for the job's id, here and in what is typed, once a command
that submits has printed one.
"""

from __future__ import annotations

import doctest
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.ssh_edge import Ended

_BLOCK: Final = re.compile(r"^```console\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_ID: Final = re.compile(r"(?<![\w.-])12\b")
_LENIENT: Final = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

Type = Callable[[str], Ended]
"""Runs a line of shell."""


@dataclass(frozen=True)
class Step:
    """A line that is typed, and what comes back."""

    typed: str
    back: str


@dataclass(frozen=True)
class Played:
    """What became of a transcript: its steps as they went, and which of them went otherwise than written."""

    job: int
    steps: tuple[Step, ...]
    otherwise: tuple[str, ...]


def play(markdown: str, type_line: Type) -> Played:
    """Type all that is to be typed, in order, whatever comes back."""
    job, went, otherwise = 0, [], []
    for step in steps(markdown):
        wanted = _with_id(step, job) if job else step
        ended = type_line(wanted.typed)
        back = ended.out.decode()
        if "ssh tovi submit" in wanted.typed and (printed := back.split()) and printed[0].isdigit():
            job = int(printed[0])
            wanted = _with_id(wanted, job)
        went.append(Step(wanted.typed, back))
        if not doctest.OutputChecker().check_output(wanted.back, back, _LENIENT):
            otherwise.append(f"$ {wanted.typed}\n{back}{ended.err.decode()}--- instead of\n{wanted.back}")
    return Played(job, tuple(went), tuple(otherwise))


def steps(markdown: str) -> Iterator[Step]:
    """The steps of all blocks, as they are written."""
    for block in _BLOCK.findall(markdown):
        for piece in ("\n" + block).split("\n$ ")[1:]:
            typed, _, back = piece.partition("\n")
            yield Step(typed, back if back.endswith("\n") or not back else back + "\n")


def _with_id(step: Step, job: int) -> Step:
    return Step(_ID.sub(str(job), step.typed), _ID.sub(str(job), step.back))
