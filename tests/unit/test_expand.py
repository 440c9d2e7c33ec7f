"""A matrix as tasks: how many, which, and that nothing takes time by their number."""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tovi_server.core.expand import Cell, TooInvolvedError, cell, count
from tovi_server.core.spec import Axis, CellSpace, Range, StageSpec

DEADLINE_S = 20
"""Of this process's own time: what is not known at once takes longer than anybody waits."""


def stage(cells: CellSpace, **params: str) -> StageSpec:
    return StageSpec(name="main", run="true", cells=cells, params=params)


def all_params(cells: CellSpace) -> list[Mapping[str, str]]:
    return [cell(stage(cells), index).params for index in range(count(cells))]


def test_without_matrix_and_array_there_is_one_task() -> None:
    assert count(CellSpace()) == 1
    assert Cell({"a": "1"}, "0") == cell(stage(CellSpace(), a="1"), 0)


def test_an_array_gives_its_values_as_index() -> None:
    cells = CellSpace(array=Range(-5, 4))
    assert count(cells) == 10
    assert [cell(stage(cells), index).index_text for index in (0, 9)] == ["-5", "4"]


def test_the_first_axis_is_the_outermost_loop() -> None:
    cells = CellSpace(axes=(Axis("lr", ("0.1", "1e-2")), Axis("seed", Range(0, 1))))
    expected = [
        {"lr": "0.1", "seed": "0"},
        {"lr": "0.1", "seed": "1"},
        {"lr": "1e-2", "seed": "0"},
        {"lr": "1e-2", "seed": "1"},
    ]
    assert expected == all_params(cells)


def test_a_matrix_replaces_parameters_of_the_stage() -> None:
    cells = CellSpace(axes=(Axis("lr", ("0.1",)),))
    assert cell(stage(cells, epochs="5", lr="9"), 0).params == {"epochs": "5", "lr": "0.1"}


def test_excluded_tasks_are_not_numbered_and_included_ones_come_last() -> None:
    cells = CellSpace(
        axes=(Axis("model", ("cnn", "vit")), Axis("seed", Range(0, 2))),
        exclude=({"model": "vit", "seed": "1"}, {"seed": "2"}),
        include=({"model": "big", "seed": "0"},),
    )
    assert [" ".join(params.values()) for params in all_params(cells)] == ["cnn 0", "cnn 1", "vit 0", "big 0"]


def test_a_matrix_of_included_tasks_alone_has_just_those() -> None:
    cells = CellSpace(include=({"a": "1"}, {"a": "2"}))
    assert all_params(cells) == [{"a": "1"}, {"a": "2"}]


@pytest.mark.parametrize("index", [-1, 2])
def test_a_number_that_no_task_has_is_an_error(index: int) -> None:
    with pytest.raises(IndexError):
        cell(stage(CellSpace(array=Range(0, 1))), index)


def test_numbers_of_any_size_are_counted_and_looked_up_at_once() -> None:
    axes = tuple(Axis(name, Range(0, 10**18)) for name in "abcdefgh")
    cells = CellSpace(axes=axes, exclude=({"a": "7"}, {"b": "5", "h": "3"}))
    side = 10**18 + 1
    before = time.process_time()
    total = count(cells)
    last = cell(stage(cells), total - 1).params
    assert time.process_time() - before < DEADLINE_S
    assert side**7 * (side - 1) - side**5 * (side - 1) == total
    assert dict.fromkeys("abcdefgh", str(10**18)) == last


def test_excludes_that_overlap_in_too_many_ways_are_an_error_soon() -> None:
    axes = tuple(Axis(f"a{place}", ("x", "y")) for place in range(40))
    excludes = tuple({f"a{place}": "x", f"a{place + 20}": "x"} for place in range(20))
    before = time.process_time()
    with pytest.raises(TooInvolvedError):
        count(CellSpace(axes=axes, exclude=excludes))
    assert time.process_time() - before < DEADLINE_S


names = st.sampled_from("abc")
values = st.sampled_from("0123")


@st.composite
def spaces(draw: st.DrawFn) -> CellSpace:
    axes = []
    for name in draw(st.lists(names, unique=True, min_size=1)):
        listed = st.lists(values, unique=True, min_size=1).map(tuple)
        axes.append(Axis(name, draw(st.one_of(listed, st.just(Range(0, 3))))))
    possible = {
        axis.name: [str(n) for n in range(4)] if isinstance(axis.values, Range) else axis.values for axis in axes
    }
    cells = st.lists(st.sampled_from(sorted(possible)), unique=True, min_size=1).flatmap(
        lambda chosen: st.fixed_dictionaries({name: st.sampled_from(possible[name]) for name in chosen})
    )
    return CellSpace(axes=tuple(axes), exclude=tuple(draw(st.lists(cells, max_size=5))))


@given(spaces())
def test_tasks_are_those_of_nested_loops_less_the_excluded(cells: CellSpace) -> None:
    columns = [
        [str(number) for number in range(4)] if isinstance(axis.values, Range) else axis.values for axis in cells.axes
    ]
    combinations = [dict(zip((axis.name for axis in cells.axes), row, strict=True)) for row in product(*columns)]
    expected = [row for row in combinations if not any(exclude.items() <= row.items() for exclude in cells.exclude)]
    assert expected == all_params(cells)
