"""Numbers of tasks as rows: which is best, how they compare, and as a table to copy."""

from __future__ import annotations

import math

import pytest

from tests.fakes_manager import NOW
from tovi_server.core.look import Look
from tovi_server.core.views import MetricsRow
from tovi_tui.metrics.rows import Measure, as_tsv, best, columns, compared, measures
from tovi_tui.text.columns import fitted, header, row_line
from tovi_tui.text.span import Line

NAN, INF = math.nan, math.inf


def a_row(index: int, **numbers: float) -> MetricsRow:
    return MetricsRow(f"12.train.{index}", "succeeded", {"lr": str(index)}, numbers)


def text(one: Line) -> str:
    return "".join(span.text for span in one)


@pytest.mark.parametrize(
    ("name", "low"),
    [
        ("loss", True),
        ("val_loss", True),
        ("Test-Error", True),
        ("rmse", True),
        ("acc", False),
        ("glossary", False),
        ("f1", False),
    ],
)
def test_by_its_name_a_loss_should_be_low(name: str, low: bool) -> None:
    assert Measure.usual(name) == Measure(name, low)


@pytest.mark.parametrize(
    ("numbers", "lower", "expected"),
    [
        ([1.0, 3.0, 2.0], False, 1),
        ([1.0, 3.0, 2.0], True, 0),
        ([NAN, INF, 2.0], False, 2),
        ([-INF, NAN, 2.0], True, 2),
        ([2.0, 2.0], False, 0),
        ([NAN, INF, -INF], True, None),
        ([], False, None),
    ],
)
def test_the_best_is_a_finite_number(numbers: list[float], lower: bool, expected: int | None) -> None:
    rows = [a_row(index, x=number) for index, number in enumerate(numbers)]
    found = best(rows, Measure("x", lower))
    assert found == (None if expected is None else rows[expected])


def test_a_task_without_the_number_is_not_the_best() -> None:
    assert best([a_row(0, y=1.0)], Measure("x", lower_is_better=False)) is None


def test_all_numbers_are_found_whichever_task_has_them() -> None:
    assert measures([a_row(0, x=1.0), a_row(1, y=1.0, x=2.0)]) == ["x", "y"]


def test_no_number_is_cut_and_the_chosen_one_and_the_best_are_marked() -> None:
    rows = [a_row(0, loss=-1.23456789e-300, acc=0.5), a_row(1, loss=NAN)]
    shown = fitted(columns(rows, Measure("loss", lower_is_better=True), "12.train.0"), 100)
    assert text(header(shown)).split() == ["TASK", "lr", "▼loss", "acc"]
    assert text(row_line(shown, rows[0], Look(NOW))).split() == ["★", "12.train.0", "0", "-1.23457e-300", "0.5"]
    assert text(row_line(shown, rows[1], Look(NOW))).split() == ["12.train.1", "1", "nan", "-"]


def test_tasks_compare_as_bars_of_the_largest() -> None:
    lines = compared([a_row(0, x=-4.0), a_row(1, x=2.0), a_row(2, y=1.0)], Measure("x", lower_is_better=False))
    assert [text(one) for one in lines] == [
        f"      12.train.0 {'█' * 30} -4",
        f"      12.train.1 {'█' * 15}{'░' * 15} 2",
    ]


def test_what_is_not_finite_has_no_bar_and_takes_none_away() -> None:
    lines = compared([a_row(0, x=INF), a_row(1, x=NAN), a_row(2, x=1.0)], Measure("x", lower_is_better=False))
    assert [text(one).split()[1:] for one in lines] == [["░" * 30, "inf"], ["░" * 30, "nan"], ["█" * 30, "1"]]


def test_a_table_to_copy_has_a_line_for_each_task_whatever_parameters_are() -> None:
    odd = MetricsRow("12.train.0", "failed", {"a\tb": "x\ny\x1b"}, {"loss": 0.1})
    assert as_tsv([odd, a_row(1, acc=NAN)]) == (
        "task\ta\\x09b\tlr\tloss\tacc\n12.train.0\tx\\x0ay\\x1b\t\t0.1\t\n12.train.1\t\t1\t\tnan\n"
    )
