"""What things are called: jobs `12`, stages `12.train`, tasks `12.train.3`, attempts `12.train.3/2`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from tovi_server.core.errors import UsageError

JobId = NewType("JobId", int)

LARGEST_JOB_ID = 2**63 - 1
STAGE_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)

_REFERENCE = re.compile(
    r"(?P<job>[0-9]{1,19})"
    r"(?:\.(?P<stage>[a-z][a-z0-9_-]{0,62})"
    r"(?:\.(?P<index>[0-9]{1,10})(?:/(?P<attempt>[0-9]{1,6}))?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True, order=True)
class TaskId:
    """One cell of one stage of one job; `index` is its 0-based place."""

    job: JobId
    stage: str
    index: int

    def __str__(self) -> str:
        return f"{self.job}.{self.stage}.{self.index}"


@dataclass(frozen=True, slots=True, order=True)
class AttemptId:
    """One try at a task; `number` counts from 1."""

    task: TaskId
    number: int

    def __str__(self) -> str:
        return f"{self.task}/{self.number}"


@dataclass(frozen=True, slots=True)
class Reference:
    """What a person typed to name a job or a part of it; the parts left out are None."""

    job: JobId
    stage: str | None = None
    index: int | None = None
    attempt: int | None = None

    def __str__(self) -> str:
        text = str(self.job)
        if self.stage is not None:
            text += f".{self.stage}"
        if self.index is not None:
            text += f".{self.index}"
        if self.attempt is not None:
            text += f"/{self.attempt}"
        return text


def parse_reference(text: str) -> Reference:
    """Read `12`, `12.train`, `12.train.3` or `12.train.3/2`.

    Raises:
        UsageError: the text has none of these forms, or its number is no id.
    """
    match = _REFERENCE.fullmatch(text)
    if match is None or int(match["job"]) > LARGEST_JOB_ID:
        raise UsageError(
            f'"{text}" is not an id',
            why="an id is a job 12, a stage 12.train, a task 12.train.3 or an attempt 12.train.3/2",
            hint="`queue` and `jobs` list the ids",
        )
    return Reference(
        job=JobId(int(match["job"])),
        stage=match["stage"],
        index=None if match["index"] is None else int(match["index"]),
        attempt=None if match["attempt"] is None else int(match["attempt"]),
    )


def parse_task_id(text: str) -> TaskId:
    """Read the full form `12.train.3`.

    Raises:
        UsageError: a part is missing, or there is one too many.
    """
    reference = parse_reference(text)
    if reference.stage is None or reference.index is None or reference.attempt is not None:
        raise UsageError(f'"{text}" names no task', why="a task is written 12.train.3")
    return TaskId(reference.job, reference.stage, reference.index)
