"""The screen of metrics: sorted by a number, the best marked, marked tasks compared."""

from __future__ import annotations

import math

import pytest
from textual.pilot import Pilot

from tests.fakes_manager import FakeManager, a_job
from tests.tui.house import opened, settled, shown
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.ids import JobId, Reference
from tovi_tui.places import LogPlace, MetricsPlace
from tovi_tui.screens.metrics import MetricsScreen
from tovi_tui.widgets.row_table import RowTable

ROWS = tuple(
    views.MetricsRow(f"12.train.{index}", "succeeded", {"lr": rate}, numbers)
    for index, (rate, numbers) in enumerate(
        [
            ("0.1", {"val_acc": 0.5, "loss": 0.25}),
            ("0.2", {"val_acc": 0.9, "loss": math.nan}),
            ("0.3", {"val_acc": 0.7, "loss": 0.75}),
        ]
    )
)


def a_manager(rows: tuple[views.MetricsRow, ...] = ROWS) -> FakeManager:
    return FakeManager(job_list=(a_job(12),), metrics_rows=rows)


async def on_metrics(pilot: Pilot[None]) -> None:
    pilot.app.open(MetricsPlace(12))  # type: ignore[attr-defined]  # it is ours
    await settled(pilot)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


def order(pilot: Pilot[None]) -> list[str]:
    """The learning rates from the top."""
    return [row.params["lr"] for row in pilot.app.screen.query_one("#main", RowTable).rows]


def text(pilot: Pilot[None]) -> str:
    return "\n".join(shown(pilot))


async def test_m_on_the_queue_opens_it_sorted_by_the_first_number_with_the_best_marked() -> None:
    manager = a_manager()
    async with opened(manager) as pilot:
        await press(pilot, "m")
        assert ("metrics", Reference(JobId(12))) in manager.asked
        assert order(pilot) == ["0.2", "0.3", "0.1"]
        assert "metrics of 12 · by val_acc" in shown(pilot)[0]
        assert "★ 12.train.1" in text(pilot)
        assert "best val_acc 0.9: 12.train.1  lr 0.2" in text(pilot)


@pytest.mark.parametrize("key", ["s", "right", "S", "left"])
async def test_another_number_is_chosen(key: str) -> None:
    async with opened(a_manager()) as pilot:
        await on_metrics(pilot)
        await press(pilot, key)
        assert order(pilot) == ["0.1", "0.3", "0.2"], "a loss should be low, and what is no number is last"
        assert "by loss" in shown(pilot)[0]
        assert "★ 12.train.0" in text(pilot)
        await press(pilot, key)
        assert "by val_acc" in shown(pilot)[0]


async def test_next_and_before_are_different_ways() -> None:
    three = (views.MetricsRow("12.train.0", "succeeded", {"lr": "1"}, {"a": 1.0, "b": 1.0, "c": 1.0}),)
    async with opened(a_manager(three)) as pilot:
        await on_metrics(pilot)
        await press(pilot, "right")
        assert "by b" in shown(pilot)[0]
        await press(pilot, "left", "left")
        assert "by c" in shown(pilot)[0]


async def test_b_says_that_low_is_better_and_what_is_no_number_stays_last() -> None:
    async with opened(a_manager()) as pilot:
        await on_metrics(pilot)
        assert "by val_acc, high is better" in shown(pilot)[0]
        await press(pilot, "b")
        assert order(pilot) == ["0.1", "0.3", "0.2"]
        assert "by val_acc, low is better" in shown(pilot)[0]
        await press(pilot, "s", "b")
        assert order(pilot) == ["0.3", "0.1", "0.2"]
        assert "★ 12.train.2" in text(pilot)


async def test_marked_tasks_are_compared_as_bars() -> None:
    async with opened(a_manager()) as pilot:
        await on_metrics(pilot)
        assert text(pilot).count("12.train.1") == 3, "the one under the cursor is"
        await press(pilot, "space", "space")
        compared = [row for row in shown(pilot) if "███" in row]
        assert [row.split()[-1] for row in compared] == ["0.9", "0.7"]
        await press(pilot, "right")
        assert any("nan" in row and "░░░" in row for row in shown(pilot)), "by the number that is chosen"


async def test_enter_opens_the_log_of_the_task() -> None:
    async with opened(a_manager()) as pilot:
        await on_metrics(pilot)
        await press(pilot, "down", "enter")
        assert pilot.app._way.here == LogPlace(("12.train.2",))  # type: ignore[attr-defined]  # private: where one is


async def test_y_copies_the_table_as_it_is_sorted() -> None:
    async with opened(a_manager()) as pilot:
        await on_metrics(pilot)
        await press(pilot, "y")
        assert pilot.app.clipboard == (
            "task\tlr\tval_acc\tloss\n12.train.1\t0.2\t0.9\tnan\n12.train.2\t0.3\t0.7\t0.75\n12.train.0\t0.1\t0.5\t0.25\n"
        )


async def test_news_of_the_job_is_asked_for_and_of_another_not() -> None:
    manager = a_manager()
    async with opened(manager) as pilot:
        await on_metrics(pilot)
        manager.metrics_rows = (*ROWS, views.MetricsRow("12.train.3", "succeeded", {"lr": "0.4"}, {"val_acc": 0.95}))
        manager.told.put_nowait(views.News((7,)))
        await settled(pilot)
        assert order(pilot) == ["0.2", "0.3", "0.1"]
        manager.told.put_nowait(views.News((12,)))
        await settled(pilot)
        assert order(pilot) == ["0.4", "0.2", "0.3", "0.1"]


@pytest.mark.parametrize("rows", [(), (views.MetricsRow("12.train.0", "succeeded", {}, {}),)])
async def test_without_a_number_it_says_how_to_tell_one_and_keys_do_nothing(rows: tuple[views.MetricsRow, ...]) -> None:
    async with opened(a_manager(rows)) as pilot:
        await on_metrics(pilot)
        assert "metrics: metrics.json" in text(pilot)
        await press(pilot, "s", "left", "b", "y", "space")
        assert isinstance(pilot.app.screen, MetricsScreen)


async def test_numbers_that_are_none_have_no_best() -> None:
    async with opened(a_manager((views.MetricsRow("12.train.0", "succeeded", {}, {"loss": math.nan}),))) as pilot:
        await on_metrics(pilot)
        assert "no task has a finite loss" in text(pilot)
        assert "★" not in text(pilot)


async def test_numbers_that_are_gone_leave_nothing_behind() -> None:
    manager = a_manager()
    async with opened(manager) as pilot:
        await on_metrics(pilot)
        manager.metrics_rows = ()
        manager.told.put_nowait(views.News((12,)))
        await settled(pilot)
        assert order(pilot) == []
        await press(pilot, "s", "b")
        assert isinstance(pilot.app.screen, MetricsScreen)


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_the_essential_has_room_everywhere(size: tuple[int, int]) -> None:
    async with opened(Lab(), size=size) as pilot:
        pilot.app.open(MetricsPlace(412))  # type: ignore[attr-defined]  # it is ours
        await settled(pilot)
        assert "▼val_acc" in text(pilot)
        assert "★ 412.train.17" in text(pilot)
        assert "best val_acc 0.895" in text(pilot)
