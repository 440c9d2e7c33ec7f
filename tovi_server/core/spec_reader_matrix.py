"""`matrix` and `array`: the tasks of a stage, before any of them exists."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Final

from tovi_server.core import expand
from tovi_server.core.spec import Axis, CellSpace, Range
from tovi_server.core.spec_reader_field import (
    Field,
    invalid,
    items,
    nearest,
    not_yet,
    quoted,
    scalar,
    table,
    unknown_key,
)
from tovi_server.core.spec_reader_keys import MATRIX_LATER
from tovi_server.core.spec_reader_variables import check_param_name, read_value
from tovi_server.core.yaml_node import Items, Table

LARGEST_NUMBER: Final = 10**18
MOST_EXCLUDES: Final = 200

_RANGE = re.compile(r"(-?[0-9]+)\.\.(-?[0-9]+)", re.ASCII)
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]{1,6})?", re.ASCII)


def read_array(field: Field) -> CellSpace:
    """Tasks that differ in `$TOVI_INDEX` alone."""
    found = scalar(field)
    if not found.plain or not _RANGE.fullmatch(found.text):
        why = "an array is a range such as 0..99, both ends included"
        raise invalid(field, f"{quoted(found.text)} is not a range", why=why)
    return CellSpace(array=_range(field, found.text))


def read_matrix(field: Field) -> CellSpace:
    """Every combination of the axes' values, less `exclude`, and `include` after them."""
    found = table(field)
    for name, why in MATRIX_LATER.items():
        if name in found:
            raise not_yet(found[name], why)
    axes = tuple(_axis(child, name) for name, child in found.items() if name not in ("exclude", "include"))
    included = _included(found["include"], axes) if "include" in found else ()
    if not axes and not included:
        raise invalid(field, "this matrix is empty", hint="name at least one parameter: `seed: 0..4`")
    space = CellSpace(axes=axes, exclude=_excluded(found["exclude"], axes) if "exclude" in found else ())
    _check_reach(field, space)
    return CellSpace(axes=axes, exclude=space.exclude, include=included)


def _check_reach(field: Field, space: CellSpace) -> None:
    try:
        if space.axes and expand.count(space) == 0:
            raise invalid(field, "`exclude` leaves no task", hint="exclude less")
    except expand.TooInvolvedError as error:
        why = "its cells overlap in too many ways"
        raise invalid(field, "`exclude` is too involved", why=why, hint="list the tasks under `include`") from error


def _axis(field: Field, name: str) -> Axis:
    check_param_name(field, name)
    if isinstance(field.node, Items):
        return Axis(name, _values(field))
    if isinstance(field.node, Table):
        if "glob" in table(field):
            raise not_yet(field, "a matrix over files")
        raise invalid(field, "this is a table", why="an axis is a list [a, b] or a range 0..4")
    found = scalar(field)
    if not found.plain or not _RANGE.fullmatch(found.text):
        hint = f"one value is written [{quoted(found.text)}]"
        raise invalid(field, f"{quoted(found.text)} is neither a list nor a range such as 0..4", hint=hint)
    return Axis(name, _range(field, found.text))


def _values(field: Field) -> tuple[str, ...]:
    values = tuple(_value(item) for item in items(field))
    seen: set[str] = set()
    for item, value in zip(items(field), values, strict=True):
        if value in seen:
            raise invalid(item, f"{quoted(value)} is here twice", why="two tasks would be the same")
        seen.add(value)
    return values


def _value(field: Field) -> str:
    found = scalar(field)
    if found.plain and _RANGE.fullmatch(found.text):
        hint = f'write {field.path.rpartition("[")[0].rpartition(".")[2]}: {found.text}, or "{found.text}" for the text'
        raise invalid(field, f"{quoted(found.text)} is a range inside a list", why="a range stands alone", hint=hint)
    return read_value(field)


def _range(field: Field, text: str) -> Range:
    first, last = (_number(field, part) for part in text.split(".."))
    if last < first:
        raise invalid(field, f"{quoted(text)} is empty", why="a range goes upwards, both ends included")
    return Range(first, last)


def _number(field: Field, text: str) -> int:
    if len(text) > len(str(LARGEST_NUMBER)) + 1 or abs(int(text)) > LARGEST_NUMBER:
        raise invalid(field, f"{quoted(text)} is out of range", why="numbers have at most 18 digits")
    if str(int(text)) != text:
        hint = "write the values as a list if they need it"
        raise invalid(field, f"{quoted(text)} has a leading zero", why="a range holds plain numbers", hint=hint)
    return int(text)


class _Values:
    """The values of an axis, found by what they mean: 0.001 finds 1e-3, and leads to that text."""

    def __init__(self, axis: Axis) -> None:
        self._range = axis.values if isinstance(axis.values, Range) else None
        self.texts = () if isinstance(axis.values, Range) else axis.values
        numbers = ((_decimal(text), text) for text in reversed(self.texts))
        self._by_number = {number: text for number, text in numbers if number is not None}
        self._by_text = frozenset(self.texts)

    def meant_by(self, text: str) -> str | None:
        """The axis's own text for a value; None if it has no such value."""
        if text in self._by_text:
            return text
        number = _decimal(text)
        if number is None:
            return None
        if self._range is None:
            return self._by_number.get(number)
        inside = self._range.first <= number <= self._range.last
        return str(int(number)) if inside and number == int(number) else None


def _excluded(field: Field, axes: tuple[Axis, ...]) -> tuple[Mapping[str, str], ...]:
    cells = items(field)
    if len(cells) > MOST_EXCLUDES:
        raise invalid(field, f"this excludes {len(cells)} times", why=f"at most {MOST_EXCLUDES} are possible")
    known = {axis.name: _Values(axis) for axis in axes}
    return tuple(_excluded_cell(cell, known) for cell in cells)


def _excluded_cell(field: Field, axes: Mapping[str, _Values]) -> Mapping[str, str]:
    found = table(field)
    if not found:
        raise invalid(field, "this would exclude everything", hint="name at least one value")
    cell: dict[str, str] = {}
    for name, child in found.items():
        if name not in axes:
            raise unknown_key(field, child, name, axes)
        value = read_value(child)
        written = axes[name].meant_by(value)
        if written is None:
            raise invalid(child, f"{quoted(value)} is no value of `{name}`", hint=nearest(value, axes[name].texts))
        cell[name] = written
    return cell


def _decimal(text: str) -> Decimal | None:
    if len(text) > 100 or not _NUMBER.fullmatch(text):
        return None
    try:
        return Decimal(text)
    except InvalidOperation:
        return None


def _included(field: Field, axes: tuple[Axis, ...]) -> tuple[Mapping[str, str], ...]:
    cells = items(field)
    names = [axis.name for axis in axes] or list(table(cells[0]))
    return tuple(_included_cell(cell, names) for cell in cells)


def _included_cell(field: Field, names: list[str]) -> Mapping[str, str]:
    found = table(field)
    for name, child in found.items():
        if name not in names:
            raise unknown_key(field, child, name, names)
        check_param_name(child, name)
    missing = [name for name in names if name not in found]
    if missing or not found:
        why = "a task that is included names a value for each parameter of the matrix"
        raise invalid(field, f"this does not say {', '.join(missing) or 'anything'}", why=why)
    return {name: read_value(found[name]) for name in names}
