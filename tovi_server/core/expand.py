"""A stage's matrix or array as tasks, without ever making a list of them.

Tasks are numbered in the order of nested loops, the first axis outermost, less the excluded ones; included ones
follow. `count` and `cell` take time by the number of axes and excludes, never by the number of tasks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Final

from tovi_server.core.spec import Axis, CellSpace, Range, StageSpec

MOST_TASKS: Final = 1_000_000
"""Of one job, all stages together."""

MOST_STEPS: Final = 20_000
"""How much work the excludes of one matrix may make, each time a task is looked up: some 10 ms."""

_Exclude = frozenset[tuple[str, str]]
_Excludes = frozenset[_Exclude]
_COVERS_ALL: Final[_Exclude] = frozenset()


class TooInvolvedError(ValueError):
    """The excludes of a matrix overlap in more ways than can be counted quickly."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What makes a task differ from the others of its stage."""

    params: Mapping[str, str]
    """All parameters as texts: the stage's, and over them the matrix's."""
    index_text: str
    """`$TOVI_INDEX`: the array's value, else the task's number."""


def count(cells: CellSpace) -> int:
    """How many tasks there are, however many that is.

    Raises:
        TooInvolvedError: never for cells of a Spec, which were counted when it was read.
    """
    if cells.array is not None:
        return cells.array.count
    return _combinations(cells) + len(cells.include)


def cell(stage: StageSpec, index: int) -> Cell:
    """The task of a stage with that number, from 0.

    Raises:
        IndexError: there is none.
    """
    cells = stage.cells
    if not 0 <= index < count(cells):
        raise IndexError(index)
    if cells.array is not None:
        return Cell(stage.params, str(cells.array.first + index))
    return Cell({**stage.params, **_values(cells, index)}, str(index))


def _values(cells: CellSpace, index: int) -> Mapping[str, str]:
    combinations = _combinations(cells)
    if index >= combinations:
        return cells.include[index - combinations]
    return _Combinations(cells.axes).at(index, _excludes(cells))


def _combinations(cells: CellSpace) -> int:
    if not cells.axes and cells.include:
        return 0
    return _Combinations(cells.axes).left(0, _excludes(cells))


def _excludes(cells: CellSpace) -> _Excludes:
    return frozenset(frozenset(exclude.items()) for exclude in cells.exclude)


class _Combinations:
    """Counts combinations of axes from one axis on, remembering what it counted before.

    A value that no exclude names leaves the same as every other such value, so only named ones are looked at.
    """

    def __init__(self, axes: tuple[Axis, ...]) -> None:
        self._axes = axes
        self._sizes = [_size(axis) for axis in axes]
        self._positions: dict[int, Mapping[str, int]] = {}
        self._known: dict[tuple[int, _Excludes], int] = {}
        self._steps = 0

    def left(self, depth: int, excludes: _Excludes) -> int:
        """How many combinations of the axes from `depth` on the excludes leave."""
        if not excludes:
            return prod(self._sizes[depth:])
        if _COVERS_ALL in excludes:
            return 0
        known = self._known.get((depth, excludes))
        if known is None:
            known = self._known[depth, excludes] = self._count(depth, excludes)
        return known

    def _count(self, depth: int, excludes: _Excludes) -> int:
        named, others = self._split(depth, excludes)
        unnamed = self._sizes[depth] - len(named)
        total = sum(self.left(depth + 1, still) for still in named.values())
        return total + (unnamed * self.left(depth + 1, others) if unnamed else 0)

    def at(self, index: int, excludes: _Excludes) -> Mapping[str, str]:
        """The combination with that number, by name of the axis."""
        chosen: dict[str, str] = {}
        for depth, axis in enumerate(self._axes):
            position, index, excludes = self._choose(depth, index, excludes)
            chosen[axis.name] = _at(axis, position)
        return chosen

    def _choose(self, depth: int, index: int, excludes: _Excludes) -> tuple[int, int, _Excludes]:
        """The position on an axis, and number and excludes among what is left with it."""
        named, others = self._split(depth, excludes)
        each = self.left(depth + 1, others)
        start = 0
        for position, still in sorted(named.items(), key=lambda item: item[0]):
            run = (position - start) * each
            if index < run:
                break
            index -= run
            here = self.left(depth + 1, still)
            if index < here:
                return position, index, still
            index -= here
            start = position + 1
        return start + index // each, index % each, others

    def _split(self, depth: int, excludes: _Excludes) -> tuple[Mapping[int, _Excludes], _Excludes]:
        """The excludes that remain for each position some exclude names, and for all other positions."""
        axis = self._axes[depth]
        named: dict[int, set[_Exclude]] = {}
        others = set()
        for exclude in excludes:
            value = next((value for name, value in exclude if name == axis.name), None)
            if value is None:
                others.add(exclude)
            else:
                named.setdefault(self._position(depth, value), set()).add(exclude - {(axis.name, value)})
        self._step(len(excludes) + len(named) * len(others))
        return {position: frozenset(still | others) for position, still in named.items()}, frozenset(others)

    def _position(self, depth: int, value: str) -> int:
        values = self._axes[depth].values
        if isinstance(values, Range):
            return int(value) - values.first
        if depth not in self._positions:
            self._positions[depth] = {value: position for position, value in enumerate(values)}
        return self._positions[depth][value]

    def _step(self, steps: int) -> None:
        self._steps += steps
        if self._steps > MOST_STEPS:
            raise TooInvolvedError


def _size(axis: Axis) -> int:
    return axis.values.count if isinstance(axis.values, Range) else len(axis.values)


def _at(axis: Axis, position: int) -> str:
    if isinstance(axis.values, Range):
        return str(axis.values.first + position)
    return axis.values[position]
