"""A job's screen: what it says of the job, its stages and its tasks, and what each key does."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import Any

import pytest
from textual.widgets import Input

from tests.fakes_manager import NOW, FakeManager, a_job, a_stage, a_task
from tests.tui.editing import Led, asked, led
from tests.tui.house import LONG_REST_S, rested, settled
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.ids import parse_reference
from tovi_server.core.reasons import Reason
from tovi_tui.places import JobPlace, LogPlace, MetricsPlace, RerunPlace
from tovi_tui.screens import job as job_screen
from tovi_tui.screens.job import JobScreen
from tovi_tui.widgets.grid_view import GridView
from tovi_tui.widgets.task_pane import TaskPane
from tovi_tui.widgets.task_words import TaskWords

SIZES = [(60, 20), (80, 24), (140, 40)]
ON = JobPlace(412, "412.train.18")
"""In the fourth row and column of the sweep; it failed."""


def house(tasks: list[views.TaskView], *, more: int = 0, **job: Any) -> FakeManager:
    """One job of one stage with these tasks."""
    stage = a_stage(tasks_total=len(tasks) + more, tasks_by_state={"running": len(tasks) + more})
    whole = a_job(**{"stages": (stage,), "tasks_total": len(tasks) + more, **job})
    return FakeManager(details=views.Details(whole, tuple(tasks), more))


def current(on: Led) -> str:
    task = on.app.screen.query_one(TaskPane).current
    return "" if task is None else task.id


async def news(on: Led, manager: FakeManager, *jobs: int) -> None:
    manager.told.put_nowait(views.News(jobs))
    await on.pilot.pause(0.05)  # what is told comes by a worker that never ends
    await settled(on.pilot)


# What is on it


@pytest.mark.parametrize("size", SIZES)
async def test_the_essential_is_seen_in_any_size(size: tuple[int, int]) -> None:
    async with led(Lab(), ON, size=size) as on:
        for told in (
            "412 cifar-sweep",
            "● running",
            "19 done",
            "train ● 20/30 ✗2",
            "lr × seed",
            "[✗]",
            "out of memory",
        ):
            assert told in on.text
        assert "best val_acc 0.895  lr 0.003  seed 2" in on.text


async def test_it_begins_where_something_failed() -> None:
    async with led(Lab(), JobPlace(412)) as on:
        assert "▸train" in on.text


async def test_a_job_of_one_task_is_one_cell_and_its_words() -> None:
    async with led(house([a_task()]), JobPlace(12)) as on:
        assert "main: 1 task" in on.text
        assert "[●]" in on.text
        assert "12.main.0  ● running" in on.text


async def test_of_a_foreign_job_it_is_said_that_there_is_no_more_to_see() -> None:
    manager = FakeManager(details=views.Details(a_job(name="-", user="bob"), (), 0))
    async with led(manager, JobPlace(12)) as on:
        assert "12 -  ● running" in on.text
        assert "its stages are not for you to see" in on.text
        await on.press("tab", "enter", "C", "H", "x", "X", "down")
        assert on.places == []
        assert asked(manager, "hold") == []


@pytest.mark.parametrize("key", ["escape", "q"])
async def test_a_job_that_is_none_says_so_and_the_way_back_works(key: str) -> None:
    async with led(FakeManager(), JobPlace(404)) as on:
        assert "there is no 404" in on.text
        assert "`jobs` lists yours" in on.text
        await on.press(*"clrmfywetSvxXCH", "tab", "enter")
        while isinstance(on.app.screen, JobScreen):
            await on.press(key)
        assert asked(on.app.manager, "cancel") == []  # type: ignore[arg-type]  # it is the fake


async def test_what_is_beyond_those_that_came_is_counted() -> None:
    async with led(house([a_task(index) for index in range(3)], more=7), JobPlace(12)) as on:
        assert "and 7 more" in on.text


async def test_a_task_that_is_not_among_those_that_came_is_named() -> None:
    async with led(house([a_task()], more=7), JobPlace(12, "12.main.5")) as on:
        assert "12.main.5 is not among the tasks that are shown here" in on.text


async def test_one_axis_is_a_line() -> None:
    tasks = [a_task(index, params={"lr": lr}) for index, lr in enumerate(("0.1", "0.01", "1"))]
    async with led(house(tasks), JobPlace(12)) as on:
        lines = on.text.splitlines()
        (at,) = [at for at, text in enumerate(lines) if "0.01" in text and "0.1 " in text]
        assert lines[at].split()[:4] == ["lr", "0.01", "0.1", "1"]
        assert lines[at + 1].count("●") >= 3


async def test_more_axes_are_a_table() -> None:
    axes = product("12", "34", "56")
    tasks = [a_task(index, params={"a": a, "b": b, "c": c}) for index, (a, b, c) in enumerate(axes)]
    async with led(house(tasks), JobPlace(12)) as on:
        header = next(text for text in on.text.splitlines() if "TASK" in text)
        assert header.split()[:5] == ["TASK", "a", "b", "c", "STATE"]
        await on.press("down")
        assert current(on) == "12.main.1"
        await on.press("space", "space", "enter")
        assert on.places == [LogPlace(("12.main.3", "12.main.1", "12.main.2"))]


async def test_parameters_drawn_at_random_are_a_table_not_a_desert() -> None:
    tasks = [a_task(index, params={"lr": f"0.{index}1", "decay": f"0.{index}2"}) for index in range(50)]
    async with led(house(tasks), JobPlace(12)) as on:
        assert "TASK" in on.text


async def test_labels_leave_room_for_the_cells() -> None:
    paths = [f"/data/a-very-long-folder/that-goes-on-and-on/and-on-and-on/{number}" for number in range(3)]
    tasks = [a_task(index, params={"p": p, "seed": seed}) for index, (p, seed) in enumerate(product(paths, "12"))]
    async with led(house(tasks), JobPlace(12), size=(60, 20)) as on:
        assert "[●]" in on.text


# Cells


@pytest.mark.parametrize(
    ("key", "task"),
    [
        ("up", "412.train.23"),
        ("k", "412.train.23"),
        ("down", "412.train.13"),
        ("j", "412.train.13"),
        ("left", "412.train.17"),
        ("right", "412.train.19"),
        ("pageup", "412.train.28"),
        ("pagedown", "412.train.3"),
        ("g", "412.train.25"),
        ("home", "412.train.25"),
        ("G", "412.train.4"),
        ("end", "412.train.4"),
    ],
)
async def test_keys_walk_the_cells(key: str, task: str) -> None:
    async with led(Lab(), ON) as on:
        assert current(on) == "412.train.18"
        await on.press(key)
        assert current(on) == task
        assert f"{task}  " in on.text, "and its words are there"


async def test_the_last_task_of_an_array_is_in_a_row_that_is_not_full() -> None:
    async with led(house([a_task(index) for index in range(45)]), JobPlace(12)) as on:
        await on.press("G")
        assert current(on) == "12.main.44"


async def test_a_cell_without_a_task_has_no_log() -> None:
    cells = [{"a": "1", "b": "1"}, {"a": "1", "b": "2"}, {"a": "2", "b": "1"}]
    async with led(house([a_task(index, params=one) for index, one in enumerate(cells)]), JobPlace(12)) as on:
        await on.press("down", "right")
        assert current(on) == ""
        assert "12.main" not in on.text, "nor words of another"
        await on.press("enter")
        assert on.places == []


async def test_a_click_goes_to_a_cell_and_two_open_its_log() -> None:
    async with led(Lab(), ON) as on:
        grid = on.app.screen.query_one(GridView)
        await on.pilot.click(grid, offset=(10, 1))
        await settled(on.pilot)
        assert current(on) == "412.train.25"
        await on.pilot.click(grid, offset=(10, 1), times=2)
        await settled(on.pilot)
        assert on.places == [LogPlace(("412.train.25",))]


@pytest.mark.parametrize(
    ("keys", "stage"), [(("tab",), "report"), (("shift+tab",), "prepare"), (("tab",) * 3, "train")]
)
async def test_tab_goes_from_stage_to_stage(keys: tuple[str, ...], stage: str) -> None:
    async with led(Lab(), ON) as on:
        await on.press(*keys)
        assert f"▸{stage}" in on.text
        assert current(on).startswith(f"412.{stage}.")


async def test_ten_thousand_cells_are_drawn_only_where_they_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    line_at = GridView.line_at

    def counted(grid: GridView, index: int) -> object:
        drawn.append(index)
        return line_at(grid, index)

    monkeypatch.setattr(GridView, "line_at", counted)
    cells = [a_task(index, params={"a": str(index // 100), "b": str(index % 100)}) for index in range(10_000)]
    async with led(house(cells), JobPlace(12)) as on:
        await rested(on.pilot)
        drawn.clear()
        await on.press("down")
        assert current(on) == "12.main.100"
        assert 0 < len(drawn) < 10 * on.app.size.height
        assert max(drawn) < on.app.size.height


# One task


async def test_a_task_that_rests_under_the_cursor_tells_its_attempts() -> None:
    async with led(Lab(), ON) as on:
        await rested(on.pilot)
        assert "attempts" in on.text
        assert "2h ago, node-05" in on.text
        assert "1h1m ago, node-02" in on.text


async def test_a_task_that_waits_tells_who_is_ahead() -> None:
    ahead = Reason("resources", "needs 4 gpus; 3 are free; behind 401 of carla")
    manager = house([a_task(state="queued", node=None, started_at=None, reason=Reason("resources", "needs 4 gpus"))])
    manager.why_answer = views.Why("12.main.0", "queued", (ahead, Reason("share", "2 jobs are ahead")))
    async with led(manager, JobPlace(12), size=(140, 40)) as on:
        await rested(on.pilot)
        assert "behind 401 of carla" in on.text
        assert "2 jobs are ahead" in on.text
        assert asked(manager, "why") == [parse_reference("12.main.0")]


async def test_a_task_that_runs_is_not_asked_why() -> None:
    manager = house([a_task()])
    async with led(manager, JobPlace(12)) as on:
        await rested(on.pilot)
        assert asked(manager, "why") == []


async def test_only_where_the_cursor_rests_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await rested(on.pilot)
        manager.asked.clear()
        monkeypatch.setattr(job_screen, "_REST_S", LONG_REST_S)
        await on.press("left", "left", "left")
        await rested(on.pilot, LONG_REST_S)
        references = [arguments[0] for arguments in asked(manager, "show")]
        assert references == [parse_reference("412.train.15")]


# News


async def test_news_of_the_job_load_it_with_the_cursor_where_it_is() -> None:
    manager = Lab()
    async with led(manager, JobPlace(412)) as on:
        await on.press("down", "right")
        task = current(on)
        manager.job_list = tuple(replace(job, note="for figure 4") for job in manager.job_list)
        await news(on, manager, 412)
        assert "for figure 4" in on.text
        assert current(on) == task


async def test_the_cursor_stays_on_its_task_when_others_come_before_it() -> None:
    tasks = [a_task(index, params={"lr": lr, "seed": seed}) for index, (lr, seed) in enumerate(product("34", "12"))]
    manager = house(tasks)
    async with led(manager, JobPlace(12)) as on:
        await on.press("down")
        assert current(on) == "12.main.2"
        more = [a_task(4 + at, params={"lr": "1", "seed": seed}) for at, seed in enumerate("12")]
        manager.details = replace(manager.details, tasks=(*tasks, *more))
        await news(on, manager, 12)
        assert current(on) == "12.main.2"


async def test_news_of_other_jobs_ask_for_nothing() -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await rested(on.pilot)
        before = len(asked(manager, "show"))
        await news(on, manager, 411)
        assert len(asked(manager, "show")) == before


async def test_what_one_reads_of_a_task_stays_when_news_come() -> None:
    manager = Lab()
    async with led(manager, ON, size=(60, 20)) as on:
        await rested(on.pilot)
        words = on.app.screen.query_one(TaskWords)
        words.scroll_to_line(6)
        before = words.top, words.told
        assert before[0] > 0
        await news(on, manager, 412)
        assert (words.top, words.told) == before, "neither the place nor the attempts are gone"
        await on.press("left")
        assert words.top == 0, "another task is read from its top"


async def test_the_line_that_fetches_stays_when_news_come() -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await on.press("f")
        await news(on, manager, 412)
        await rested(on.pilot)
        assert "scp -P 2222" in on.text


@pytest.mark.parametrize(("rest_s", "whole"), [(600.0, 0), (0.01, 1)])
async def test_thousands_of_tasks_are_not_asked_for_each_second(
    rest_s: float, whole: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_screen, "_MANY_TASKS", 20)
    monkeypatch.setattr(job_screen, "_MANY_REST_S", rest_s)
    manager = Lab()
    async with led(manager, ON) as on:
        await rested(on.pilot)
        manager.asked.clear()
        await news(on, manager, 412)
        await settled(on.pilot)
        limits = [arguments[-1] for arguments in asked(manager, "show")]
        assert 0 in limits, "the counts at once"
        assert limits.count(job_screen._MOST_TASKS) == whole, "all of it when that has rested"


async def test_after_its_rest_all_is_asked_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_screen, "_MANY_TASKS", 20)
    monkeypatch.setattr(job_screen, "_MANY_REST_S", 0.01)
    manager = Lab()
    async with led(manager, ON) as on:
        manager.asked.clear()
        for _ in range(2):
            await news(on, manager, 412)
        limits = [arguments[-1] for arguments in asked(manager, "show")]
        assert limits.count(job_screen._MOST_TASKS) == 2


# Keys


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("enter", LogPlace(("412.train.18",))),
        ("l", LogPlace(("412.train.18",))),
        ("m", MetricsPlace(412)),
        ("r", RerunPlace(412)),
    ],
)
async def test_a_key_opens_a_place(key: str, place: object) -> None:
    async with led(Lab(), ON) as on:
        await on.press(key)
        assert on.places == [place]


@pytest.mark.parametrize(
    ("keys", "hit", "question"),
    [
        (("c",), "412", "Cancel 412 cifar-sweep?"),
        (("x",), "412.train", "Cancel 412.train with its 30 tasks?"),
        (("up", "C"), "412.train.23", "Cancel 412.train.23?"),
    ],
)
async def test_cancelling_is_asked_and_names_what_it_hits(keys: tuple[str, ...], hit: str, question: str) -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        manager.job_list = tuple(replace(job, ended_at=None) for job in manager.job_list)
        await on.press(*keys)
        assert question in on.text
        await on.press("enter")
        assert asked(manager, "cancel") == [], "nothing happens on a bare Enter"
        await on.press("y")
        assert asked(manager, "cancel") == [(parse_reference(hit),)]


async def test_a_stage_with_tasks_that_wait_can_be_held_instead() -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await on.press("x", "o")
        assert asked(manager, "hold") == [(parse_reference("412.train"),)]
        assert asked(manager, "cancel") == []


async def test_escape_cancels_nothing() -> None:
    manager = Lab()
    async with led(manager, JobPlace(412, "412.train.20")) as on:
        await on.press("x", "escape", "c", "n", "C", "q")
        assert asked(manager, "cancel") == []
        assert isinstance(on.app.screen, JobScreen)


@pytest.mark.parametrize(("key", "hit"), [("h", "412"), ("X", "412.train"), ("H", "412.train.23")])
async def test_holding_and_letting_go(key: str, hit: str) -> None:
    manager = Lab()
    async with led(manager, JobPlace(412, "412.train.23")) as on:
        await on.press(key)
        assert asked(manager, "hold") == [(parse_reference(hit),)]


async def test_what_is_held_is_released() -> None:
    manager = house([a_task(index, held=True, state="queued", started_at=None) for index in range(2)], held=True)
    async with led(manager, JobPlace(12)) as on:
        await on.press("h", "X", "H")
        hits = [(parse_reference(one),) for one in ("12", "12.main", "12.main.0")]
        assert asked(manager, "release") == hits
        assert asked(manager, "hold") == []


async def test_what_has_ended_is_neither_cancelled_nor_held() -> None:
    ended = a_stage(state="succeeded", tasks_by_state={"succeeded": 1})
    manager = house([a_task(state="succeeded", ended_at=NOW)], ended_at=NOW, state="succeeded", stages=(ended,))
    async with led(manager, JobPlace(12)) as on:
        await on.press(*"cCxhHX")
        assert isinstance(on.app.screen, JobScreen)
        assert not {verb for verb, _ in manager.asked} & {"cancel", "hold", "release"}


async def test_marked_tasks_are_cancelled_together() -> None:
    axes = product("12", "34", "56")
    tasks = [a_task(index, params={"a": a, "b": b, "c": c}) for index, (a, b, c) in enumerate(axes)]
    manager = house(tasks)
    async with led(manager, JobPlace(12)) as on:
        await on.press("space", "space", "C")
        assert "Cancel 2 of these?" in on.text
        await on.press("y")
        assert asked(manager, "cancel") == [(parse_reference("12.main.0"), parse_reference("12.main.1"))]


@pytest.mark.parametrize(
    ("key", "old", "typed", "asks"),
    [
        ("e", "for figure 3", "for figure 4", {"note": "for figure 4", "tags": None}),
        ("t", "paper v2", "paper v3", {"note": None, "tags": ("paper", "v3")}),
        ("t", "paper v2", "", {"note": None, "tags": ()}),
    ],
)
async def test_note_and_tags_are_edited(key: str, old: str, typed: str, asks: dict[str, object]) -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await on.press(key)
        field = on.app.screen.query_one(Input)
        assert field.value == old
        field.value = typed
        await on.press("enter")
        (arguments,) = asked(manager, "annotate")
        assert arguments == (412, asks["note"], asks["tags"])


@pytest.mark.parametrize("key", ["e", "t"])
async def test_an_edit_that_is_left_changes_nothing(key: str) -> None:
    manager = Lab()
    async with led(manager, ON) as on:
        await on.press(key, "a", "escape")
        assert asked(manager, "annotate") == []


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("S", ("Code of 412", "4.7 KiB  train.py", "tovi.yaml")),
        ("v", ("tovi.yaml of 412", "run: python prepare.py")),
        ("w", ("Why 412 is running", "2 failed: out of memory", "412.train.18  ✗ failed", "33 GiB of 32 GiB")),
    ],
)
async def test_a_text_is_shown_and_closed(key: str, told: tuple[str, ...]) -> None:
    async with led(Lab(), ON) as on:
        await on.press(key)
        for one in told:
            assert one in on.text
        await on.press("escape")
        assert isinstance(on.app.screen, JobScreen)


async def test_a_job_without_code_says_so() -> None:
    async with led(house([a_task()]), JobPlace(12)) as on:
        await on.press("S")
        assert "no code travelled with it" in on.text
        await on.press("escape", "v")
        assert "it is not for you to see" in on.text


async def test_what_fetches_the_results_is_said_and_copied_only_on_its_key() -> None:
    async with led(Lab(), ON) as on:
        await on.press("f")
        assert "scp -P 2222 -r tovi.cluster:jobs/412 ." in on.text
        assert on.app.clipboard == ""
        await on.press("y")
        assert on.app.clipboard == "scp -P 2222 -r tovi.cluster:jobs/412 ."
