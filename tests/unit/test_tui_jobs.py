"""A job on its screen: stages as a graph, tasks as a grid, one task in words; and its metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis.strategies import dictionaries, lists, sampled_from, text

from tests.fakes_manager import NOW, a_job, a_stage, a_task, an_attempt
from tovi_server.core.look import Look
from tovi_server.core.reasons import Reason
from tovi_server.core.views import MetricsRow, TaskView, Used
from tovi_tui.jobs.best import best_lines
from tovi_tui.jobs.graph import first_of_interest, graph_lines
from tovi_tui.jobs.grid import grid_of, varying
from tovi_tui.jobs.known import Known
from tovi_tui.jobs.told import job_line, notes_line, task_lines
from tovi_tui.metrics.rows import Measure, as_tsv, best, compared, measures
from tovi_tui.text.span import Line

LOOK = Look(NOW)


def told(spans: Line) -> str:
    return "".join(span.text for span in spans)


def _tasks(*params: dict[str, str]) -> list[TaskView]:
    return [a_task(index, params=one) for index, one in enumerate(params)]


def test_a_chain_of_stages_is_a_line_with_arrows() -> None:
    stages = [
        a_stage("prepare", state="succeeded"),
        a_stage("train", needs=("prepare",), tasks_total=60, tasks_by_state={"succeeded": 38, "failed": 2}),
        a_stage("report", needs=("train",), state="waiting"),
    ]
    (drawn,) = graph_lines(stages, chosen="train", columns=100)
    assert told(drawn) == "  prepare ✓ ──▶ ▸train ● 40/60 ✗2 ──▶  report ◷"


def test_stages_that_need_the_same_stand_below_each_other() -> None:
    stages = [a_stage("a"), a_stage("b", needs=("a",)), a_stage("c", needs=("a",)), a_stage("d", needs=("b", "c"))]
    assert [told(one) for one in graph_lines(stages, chosen="", columns=100)] == [
        "  a ● ──▶  b ● ──▶  d ●",
        "           c ●         ",
    ]


def test_what_is_too_wide_for_a_graph_is_a_list_that_names_the_needs() -> None:
    stages = [a_stage("a"), a_stage("b", needs=("a",))]
    assert [told(one) for one in graph_lines(stages, chosen="b", columns=10)] == ["  a ●", " ▸b ●  needs a"]


def test_no_stages_are_no_lines() -> None:
    assert graph_lines([], chosen="", columns=80) == []


def test_two_parameters_make_rows_and_columns_sorted_as_numbers() -> None:
    tasks = _tasks(*({"lr": lr, "seed": seed} for lr in ("0.1", "3e-4", "0.01") for seed in ("10", "9")))
    grid = grid_of(tasks)
    assert grid is not None
    assert (grid.title, grid.rows, grid.columns) == ("lr × seed", ("3e-4", "0.01", "0.1"), ("9", "10"))
    assert [[cell.index for cell in row if cell] for row in grid.cells] == [[3, 2], [5, 4], [1, 0]]
    assert grid.find(tasks[5].id) == (1, 0)
    assert grid.find("nothing") is None


def test_words_stay_in_the_order_of_the_file() -> None:
    grid = grid_of(_tasks({"model": "vit"}, {"model": "resnet"}))
    assert grid is not None
    assert (grid.title, grid.columns) == ("model", ("vit", "resnet"))


def test_a_combination_that_was_left_out_is_an_empty_cell() -> None:
    grid = grid_of(_tasks({"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "2", "b": "1"}))
    assert grid is not None
    assert grid.cells[1][1] is None


def test_an_array_is_rows_of_twenty_by_number() -> None:
    grid = grid_of(_tasks(*({} for _ in range(45))))
    assert grid is not None
    assert (len(grid.cells), grid.rows) == (3, ("0", "20", "40"))
    assert grid.cells[2][5] is None


def test_the_same_parameters_more_than_once_are_an_array_too() -> None:
    grid = grid_of(_tasks({"a": "1"}, {"a": "2"}, {"a": "1"}))
    assert grid is not None
    assert grid.title == ""


def test_three_parameters_are_no_grid() -> None:
    tasks = _tasks({"a": "1", "b": "1", "c": "1", "d": "0"}, {"a": "2", "b": "2", "c": "2", "d": "0"})
    assert grid_of(tasks) is None
    assert varying(tasks) == ["a", "b", "c"]


def test_two_parameters_that_leave_most_cells_empty_are_no_grid() -> None:
    assert grid_of(_tasks(*({"a": str(one), "b": str(one)} for one in range(4)))) is not None
    assert grid_of(_tasks(*({"a": str(one), "b": str(one)} for one in range(5)))) is None


@given(lists(dictionaries(sampled_from(["a", "b", "c"]), text(max_size=4) | sampled_from(["1", "nan", "inf", "-0"]))))
def test_each_task_has_one_cell_whatever_the_parameters_are(params: list[dict[str, str]]) -> None:
    tasks = _tasks(*params)
    grid = grid_of(tasks)
    if grid is not None:
        found = [cell.id for row in grid.cells for cell in row if cell is not None]
        assert sorted(found) == sorted(task.id for task in tasks)
        assert {len(row) for row in grid.cells} <= {len(grid.columns)}
        assert len(grid.rows) == len(grid.cells)


@pytest.mark.parametrize(
    ("counts", "stage"),
    [
        (({"succeeded": 1}, {"running": 1}, {"failed": 1}), "2"),
        (({"succeeded": 1}, {"queued": 1}, {"running": 1}), "2"),
        (({"succeeded": 1}, {"queued": 1}, {"waiting": 1}), "1"),
        (({"succeeded": 1}, {"succeeded": 1}), "1"),
        ((), ""),
    ],
)
def test_it_begins_with_the_stage_that_tells_most(counts: tuple[dict[str, int], ...], stage: str) -> None:
    stages = [a_stage(str(at), tasks_by_state=one) for at, one in enumerate(counts)]
    assert first_of_interest(stages) == stage


def _done(index: int, lr: str, **metrics: float) -> TaskView:
    return a_task(index, state="succeeded", params={"lr": lr, "fixed": "1"}, metrics=metrics)


def test_the_best_of_a_sweep_is_named_with_what_made_it() -> None:
    tasks = [_done(0, "0.1", loss=0.5), _done(1, "0.2", loss=0.25), _done(2, "0.3", loss=math.nan)]
    assert [told(one) for one in best_lines(tasks)] == [" best loss 0.25  lr 0.2  12.main.1 · of 3 that are done"]


@pytest.mark.parametrize(
    "tasks",
    [
        [],
        [_done(0, "0.1", loss=0.5)],
        [_done(0, "0.1"), _done(1, "0.2")],
        [_done(0, "0.1", loss=0.5), replace(_done(1, "0.2", loss=0.1), state="running")],
        [_done(0, "0.1", loss=math.nan), _done(1, "0.2", loss=math.nan)],
    ],
)
def test_there_is_no_best_without_two_ends(tasks: list[TaskView]) -> None:
    assert best_lines(tasks) == []


def test_what_is_known_of_a_task_is_told_of_no_other() -> None:
    known = Known("12.main.0", (an_attempt(1), an_attempt(2)), (Reason("resources", "behind 401"),))
    waiting = [a_task(index, state="queued", node=None, started_at=None) for index in range(2)]
    mine, other = ([told(one) for one in task_lines(task, LOOK, known)] for task in waiting)
    assert "behind 401" in mine
    assert "attempts" in mine
    assert "behind 401" not in other
    assert "attempts" not in other


def test_how_a_task_ended_beats_why_it_waited() -> None:
    known = Known("12.main.0", (), (Reason("resources", "behind 401"),))
    ended = [told(one) for one in task_lines(a_task(reason=Reason("error", "exit code 3")), LOOK, known)]
    assert "exit code 3" in ended
    assert "behind 401" not in ended


def test_an_attempt_that_is_not_the_first_is_numbered() -> None:
    assert told(task_lines(a_task(attempt=2), LOOK, Known())[0]) == "12.main.0  ● running  attempt 2"
    assert told(task_lines(a_task(attempt=1), LOOK, Known())[0]) == "12.main.0  ● running"


def test_no_tasks_are_an_empty_grid() -> None:
    grid = grid_of([])
    assert grid is not None
    assert grid.cells == ()


def test_a_job_in_one_line_says_how_many_are_how() -> None:
    said = told(job_line(a_job(tasks_total=5, tasks_by_state={"succeeded": 3, "failed": 1, "queued": 1}), LOOK))
    assert said == " 12 sweep  ● running  1h12m · 3 done, 1 failed, 1 queued"
    assert told(job_line(a_job(), LOOK)) == " 12 sweep  ● running  1h12m"


def test_tags_and_note_have_a_line_where_there_are_any() -> None:
    assert told(notes_line(a_job(tags=("paper",), note="figure 3"))) == " #paper figure 3"
    assert notes_line(a_job(tags=(), note="")) == ()


def test_a_task_says_what_it_used_of_what_it_asked_for() -> None:
    task = a_task(params={"lr": "0.1"}, used=Used(cpu_s=7200.0, memory_bytes=8 * 2**30), exit_code=0)
    lines = [told(one) for one in task_lines(task, LOOK, Known())]
    assert "lr 0.1" in lines
    assert "memory   █████░░░░░ 8 GiB of 16 GiB" in lines
    assert "cpus     █████░░░░░ 2 of 4" in lines
    assert "exit     0" in lines


def test_a_task_that_waits_says_what_it_asks_for_and_why() -> None:
    task = a_task(state="queued", node=None, started_at=None, reason=Reason("resources", "needs 4 gpus"))
    lines = [told(one) for one in task_lines(task, LOOK, Known())]
    assert "needs 4 gpus" in lines
    assert "node     none yet" in lines
    assert "memory   16 GiB" in lines


def test_attempts_are_told_when_there_was_more_than_one() -> None:
    once = task_lines(a_task(attempts=(an_attempt(1),)), LOOK, Known())
    twice = task_lines(
        a_task(attempts=(an_attempt(1), replace(an_attempt(2), ended_at=None, reason=None))), LOOK, Known()
    )
    assert "attempts" not in [told(one) for one in once]
    assert [told(one) for one in twice][-2:] == [
        "  1  1h ago, node-1, 1h: the program ended with exit code 3",
        "  2  1h ago, node-1, 1h: runs",
    ]


def _row(number: int, **metrics: float) -> MetricsRow:
    return MetricsRow(f"1.main.{number}", "succeeded", {"lr": str(number)}, metrics)


@pytest.mark.parametrize(
    ("name", "lower"),
    [("loss", True), ("val_loss", True), ("test-error", True), ("accuracy", False), ("glossary", False)],
)
def test_whether_low_is_good_is_read_off_the_name(name: str, lower: bool) -> None:
    assert Measure.usual(name).lower_is_better is lower


def test_the_best_is_a_number_whatever_else_is_there() -> None:
    rows = [_row(0, loss=math.nan), _row(1, loss=0.5), _row(2, loss=0.25), _row(3)]
    top = best(rows, Measure("loss", lower_is_better=True))
    assert top is not None
    assert top.task == "1.main.2"
    assert best([rows[0], rows[3]], Measure("loss", lower_is_better=True)) is None


def test_numbers_are_compared_as_bars_where_they_have_a_length() -> None:
    rows = [_row(0, x=1.0), _row(1, x=-2.0), _row(2, x=math.inf), _row(3)]
    assert [told(one).split()[-1] for one in compared(rows, Measure("x", lower_is_better=False))] == ["1", "-2", "inf"]


def test_the_table_for_a_spreadsheet_has_all_digits() -> None:
    rows = [_row(0, a=0.1), replace(_row(1, b=1 / 3), params={"lr": "x\ty"})]
    assert measures(rows) == ["a", "b"]
    assert as_tsv(rows) == "task\tlr\ta\tb\n1.main.0\t0\t0.1\t\n1.main.1\tx\\x09y\t\t0.3333333333333333\n"
