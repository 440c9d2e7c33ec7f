"""A tovi.yaml after reading: what to run, on what, with which data, and what comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from typing import Final

from tovi_server.core.resources import GIB, Resources
from tovi_server.core.retry import RetryPolicy

MAIN_STAGE: Final = "main"
"""The name of the one stage of a file without `stages:`."""

DEFAULT_REQUEST: Final = Resources(cpu_millicores=1000, memory_bytes=2 * GIB, disk_bytes=10 * GIB)
DEFAULT_TIMEOUT: Final = timedelta(hours=24)


class Priority(IntEnum):
    """How much a job presses; higher goes first."""

    LOW = -100
    NORMAL = 0
    HIGH = 100
    URGENT = 200


@dataclass(frozen=True, slots=True)
class Range:
    """Whole numbers from `first` to `last`, both included; written `a..b`."""

    first: int
    last: int

    @property
    def count(self) -> int:
        return max(0, self.last - self.first + 1)


@dataclass(frozen=True, slots=True)
class Axis:
    """One parameter of a matrix: its values as the texts that were written, or a range."""

    name: str
    values: tuple[str, ...] | Range


@dataclass(frozen=True, slots=True)
class CellSpace:
    """The tasks of a stage before any of them exists. Without axes and array it is one task.

    `array` excludes `axes`. `exclude` and `include` hold cells, in part or whole, as name to text.
    """

    axes: tuple[Axis, ...] = ()
    array: Range | None = None
    exclude: tuple[Mapping[str, str], ...] = ()
    include: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DataMount:
    """A dataset of the project, seen read-only at `$TOVI_DATA/<name>`."""

    name: str
    dataset: str


@dataclass(frozen=True, slots=True)
class Output:
    """A path, relative to the working copy, that a task leaves behind; `name` is None for unnamed ones."""

    path: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Input:
    """An output of an earlier stage under a name of its own at `$TOVI_IN/<name>`; `output` None: all of them."""

    name: str
    stage: str
    output: str | None


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage, all defaults filled in."""

    name: str
    run: str
    setup: str | None = None
    setup_files: tuple[str, ...] | None = None
    """None: those present of the usual ones (`script.USUAL_SETUP_FILES`)."""
    image: str | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    params: Mapping[str, str] = field(default_factory=dict)
    request: Resources = DEFAULT_REQUEST
    timeout: timedelta = DEFAULT_TIMEOUT
    retries: RetryPolicy = RetryPolicy()
    data: tuple[DataMount, ...] = ()
    outputs: tuple[Output, ...] = ()
    metrics: str | None = None
    cells: CellSpace = CellSpace()
    max_concurrent: int | None = None
    needs: tuple[str, ...] = ()
    inputs: tuple[Input, ...] = ()


@dataclass(frozen=True, slots=True)
class Spec:
    """A whole, valid tovi.yaml. Stages are in the order of the file and name only each other, without cycles."""

    stages: tuple[StageSpec, ...]
    name: str | None = None
    project: str | None = None
    queue: str | None = None
    priority: Priority = Priority.NORMAL
    tags: tuple[str, ...] = ()
    notices: tuple[str, ...] = ()
    """What the submitter is told on stderr, e.g. that `32Gi` and `32G` are the same."""

    def stage(self, name: str) -> StageSpec:
        """The stage of that name.

        Raises:
            KeyError: there is none.
        """
        return {stage.name: stage for stage in self.stages}[name]
