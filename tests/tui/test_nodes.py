"""The screen of machines: what is free, what runs there, and what waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
from textual.pilot import Pilot

from tests.fakes_manager import NODE, FakeManager, a_job
from tests.tui.house import opened, settled, shown
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.filters import JobFilter, Page
from tovi_tui.places import NodesPlace
from tovi_tui.screens.nodes import NodesScreen
from tovi_tui.widgets.row_table import RowTable
from tovi_tui.widgets.text_lines import TextLines


@dataclass
class Machines(FakeManager):
    """Two: one is full with three tasks of two people, one is free and silent."""

    gone: bool = False

    async def nodes(self) -> tuple[views.NodeView, ...]:
        self._note("nodes")
        full = replace(
            NODE, name="a-full", free=replace(NODE.free, cpu_millicores=0), tasks=("12.x.0", "12.x.1", "13.y.0")
        )
        silent = replace(NODE, name="b-free", ready=False, tasks=())
        roomy = replace(NODE, name="c-roomy", free=NODE.capacity, tasks=("13.y.1",))
        return () if self.gone else (full, silent, roomy)

    async def jobs(self, filter: JobFilter, page: Page) -> views.JobPage:
        self._note("jobs", (filter, page))
        return views.JobPage((a_job(12), a_job(13, user="bob")), None)


async def on_nodes(pilot: Pilot[None]) -> NodesScreen:
    pilot.app.open(NodesPlace())  # type: ignore[attr-defined]  # it is ours
    await settled(pilot)
    assert isinstance(pilot.app.screen, NodesScreen)
    return pilot.app.screen


def names(pilot: Pilot[None]) -> list[str]:
    return [row.name for row in pilot.app.screen.query_one("#main", RowTable).rows]


def detail(pilot: Pilot[None]) -> str:
    """What is told of the machine under the cursor, drawn or not."""
    told = pilot.app.screen.query_one("#node", TextLines)
    return "\n".join("".join(span.text for span in told.line_at(at)) for at in range(told.line_count()))


def asked(manager: FakeManager, verb: str) -> int:
    return sum(one == verb for one, _ in manager.asked)


async def test_each_machine_has_bars_of_what_is_used_and_what_is_free_in_numbers() -> None:
    async with opened(Machines()) as pilot:
        await on_nodes(pilot)
        rows = {row.split()[1 if row.lstrip().startswith("▸") else 0]: row for row in shown(pilot)[3:6]}
        assert "█████ 0 " in rows["a-full"]
        assert "░░░░░ 1/1 h100" in rows["a-full"]
        assert "✗ not ready" in rows["b-free"]
        assert "● ready" in rows["c-roomy"]


async def test_the_queue_that_waits_is_above() -> None:
    async with opened(Machines()) as pilot:
        await on_nodes(pilot)
        assert "default: 2 run, 3 wait" in shown(pilot)[1]


async def test_what_runs_under_the_cursor_is_told_with_how_much_is_whose() -> None:
    async with opened(Machines()) as pilot:
        await on_nodes(pilot)
        assert "free  0 of 8 CPUs, 16 GiB of 16 GiB memory, 1 of 1 h100" in detail(pilot)
        assert "2 of 3 tasks  ada\n" in detail(pilot)
        assert "1 of 3 tasks  bob\n" in detail(pilot)
        assert detail(pilot).endswith("12.x.0  ada\n12.x.1  ada\n13.y.0  bob")
        await pilot.press("down")
        await pilot.pause()
        assert "nothing that you may know of runs there" in detail(pilot)


async def test_users_are_asked_for_once() -> None:
    manager = Machines()
    async with opened(manager) as pilot:
        screen = await on_nodes(pilot)
        before = asked(manager, "jobs")
        screen.reload()
        await settled(pilot)
        assert asked(manager, "jobs") == before


async def test_enter_opens_the_job_of_the_only_task() -> None:
    async with opened(Machines()) as pilot:
        await on_nodes(pilot)
        await pilot.press("G", "enter")
        await settled(pilot)
        assert pilot.app._way.here.job == 13  # type: ignore[attr-defined]  # private: where one is
        assert pilot.app._way.here.task == "13.y.1"  # type: ignore[attr-defined]  # as above


async def test_enter_asks_which_when_several_run_there() -> None:
    async with opened(Machines()) as pilot:
        await on_nodes(pilot)
        await pilot.press("enter")
        await settled(pilot)
        assert "Which task on a-full?" in "\n".join(shown(pilot))
        await pilot.press("down", "down", "enter")
        await settled(pilot)
        assert pilot.app._way.here.task == "13.y.0"  # type: ignore[attr-defined]  # private: where one is


async def test_enter_on_a_machine_without_tasks_stays() -> None:
    async with opened(Machines()) as pilot:
        screen = await on_nodes(pilot)
        await pilot.press("down", "enter")
        await settled(pilot)
        assert pilot.app.screen is screen


async def test_s_puts_the_most_free_first_and_the_silent_last_and_asks_nobody() -> None:
    manager = Machines()
    async with opened(manager) as pilot:
        await on_nodes(pilot)
        before = asked(manager, "nodes")
        await pilot.press("s")
        await pilot.pause()
        assert names(pilot) == ["c-roomy", "a-full", "b-free"]
        assert "most free first" in shown(pilot)[0]
        await pilot.press("s")
        await pilot.pause()
        assert names(pilot) == ["a-full", "b-free", "c-roomy"]
        assert asked(manager, "nodes") == before


async def test_w_shows_all_of_a_machine() -> None:
    async with opened(Machines(), size=(60, 20)) as pilot:
        await on_nodes(pilot)
        await pilot.press("w")
        await settled(pilot)
        text = "\n".join(shown(pilot))
        assert "Node a-full" in text
        assert "13.y.0  bob" in text
        await pilot.press("escape")
        await settled(pilot)
        assert isinstance(pilot.app.screen, NodesScreen)


async def test_much_news_is_asked_for_once_and_a_little_later(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Machines()
    async with opened(manager) as pilot:
        screen = await on_nodes(pilot)
        before = asked(manager, "nodes")
        timers: list[tuple[float, Callable[[], None]]] = []
        monkeypatch.setattr(screen, "set_timer", lambda after_s, do: timers.append((after_s, do)))
        for number in range(5):
            screen.news(views.News((number,)))
        ((after_s, do),) = timers
        assert (after_s, asked(manager, "nodes")) == (2, before)
        do()
        await settled(pilot)
        assert asked(manager, "nodes") == before + 1
        screen.news(views.News((7,)))
        assert len(timers) == 2


async def test_nobody_is_asked_while_another_screen_is_in_front() -> None:
    manager = Machines()
    async with opened(manager) as pilot:
        screen = await on_nodes(pilot)
        await pilot.press("G", "enter")
        await settled(pilot)
        before = asked(manager, "nodes")
        screen._renew()
        await settled(pilot)
        assert asked(manager, "nodes") == before


async def test_without_machines_it_says_what_to_do_and_keys_do_nothing() -> None:
    async with opened(Machines(gone=True)) as pilot:
        screen = await on_nodes(pilot)
        assert "tovi-server check" in "\n".join(shown(pilot))
        await pilot.press("enter", "w", "s")
        await settled(pilot)
        assert pilot.app.screen is screen


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_the_essential_has_room_everywhere(size: tuple[int, int]) -> None:
    async with opened(Lab(), size=size) as pilot:
        await on_nodes(pilot)
        text = "\n".join(shown(pilot))
        for told in ("node-00", "CPUS FREE", "GPUS FREE", "✗ not ready"):
            assert told in text
        assert ("MEMORY FREE" in text) is (size[0] > 60)
