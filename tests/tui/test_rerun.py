"""The form to run a job again."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from textual.widgets import Input

from tests.fakes_manager import NOW, FakeManager, a_job, a_task
from tests.tui.editing import Led, asked, led
from tests.tui.house import settled
from tovi_server.core import views
from tovi_server.core.errors import ConflictError, InvalidSpecError, UnavailableError
from tovi_server.core.spec_reader import read_spec
from tovi_tui.places import JobPlace, RerunPlace
from tovi_tui.screens import taking
from tovi_tui.screens.rerun import RerunScreen
from tovi_tui.specs.params import Param, changed, params_of, to_send

SPEC = "run: x\nparams: {lr: 0.1, seed: 1}\n"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "PAUSE_S", 0.001)


def ended(spec: str | None = SPEC, **tasks: int) -> FakeManager:
    states = tasks or {"succeeded": 38, "failed": 2}
    job = a_job(12, state="failed", ended_at=NOW, spec=spec, tasks_total=sum(states.values()), tasks_by_state=states)
    return FakeManager(details=views.Details(job, (a_task(params={"lr": "0.1", "seed": "7"}),), 0))


def fields(on: Led) -> list[str]:
    return [field.value for field in on.app.screen.query(Input)]


def sent(manager: FakeManager) -> list[tuple[object, ...]]:
    """Without their keys."""
    return [cast("tuple[object, ...]", one)[:3] for one in asked(manager, "rerun")]


async def looked_through(on: Led) -> None:
    await asyncio.sleep(0.05)  # the pause itself is the behaviour
    await settled(on.pilot)


async def test_the_form_begins_with_what_the_job_ran_with() -> None:
    async with led(ended(), RerunPlace(12)) as on:
        assert fields(on) == ["0.1", "7"]
        assert "The same parameters." in on.text


@pytest.mark.parametrize("key", ["ctrl+s", "f5"])
async def test_unchanged_the_job_runs_as_it_was(key: str) -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        await on.press(key)
        assert sent(manager) == [(12, False, {})]
        assert on.places == [JobPlace(13)]
        assert not isinstance(on.app.screen, RerunScreen)


async def test_other_values_are_shown_and_sent_with_those_it_ran_with() -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        await on.press("end", "5")
        await looked_through(on)
        assert "lr  0.1 → 0.15" in on.text
        await on.press("ctrl+s")
        assert sent(manager) == [(12, False, {"lr": "0.15", "seed": "7"})]


@pytest.mark.parametrize("key", ["down", "tab", "enter"])
async def test_keys_go_to_the_next_field(key: str) -> None:
    async with led(ended(), RerunPlace(12)) as on:
        await on.press(key, "end", "0")
        assert fields(on) == ["0.1", "70"]


@pytest.mark.parametrize("key", ["up", "shift+tab"])
async def test_keys_go_to_the_field_before(key: str) -> None:
    async with led(ended(), RerunPlace(12)) as on:
        await on.press("down", key, "end", "0")
        assert fields(on) == ["0.10", "7"]


async def test_keys_of_everywhere_are_text_in_a_field() -> None:
    async with led(ended(), RerunPlace(12)) as on:
        await on.press("end", "q", "question_mark", "colon", "1")
        assert fields(on)[0] == "0.1q?:1"


async def test_f2_runs_only_what_did_not_succeed() -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        await on.press("f2")
        assert "[✱] only the 2 tasks that did not succeed" in on.text
        assert "Of these tasks only the 2 tasks" in on.text
        await on.press("ctrl+s")
        assert sent(manager) == [(12, True, {})]


async def test_the_same_form_is_sent_under_the_same_key_until_it_is_answered() -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        manager.error = UnavailableError("nobody answers")
        await on.press("ctrl+s")
        await on.press("ctrl+s")
        await on.press("f2", "ctrl+s")
        first, again, other = [cast("tuple[object, ...]", one)[3] for one in asked(manager, "rerun")]
    assert first
    assert first == again != other


async def test_f2_says_when_nothing_failed() -> None:
    async with led(ended(succeeded=2), RerunPlace(12)) as on:
        await on.press("f2")
        assert "all its tasks succeeded" in on.text
        assert "[ ] only" in on.text


async def test_f2_waits_for_the_end_of_a_job() -> None:
    manager = FakeManager(details=views.Details(a_job(12, spec=SPEC), (a_task(),), 0))
    async with led(manager, RerunPlace(12)) as on:
        await on.press("f2")
        assert "what failed is known when it ended" in on.text


async def test_an_error_stands_at_its_field_which_has_the_keys() -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        manager.error = InvalidSpecError('the value of parameter "seed" fits into no variable', why="too long")
        await on.press("ctrl+s")
        lines = on.text.splitlines()
        at = next(number for number, text in enumerate(lines) if text.startswith(" seed"))
        assert '✗ the value of parameter "seed"' in lines[at + 1]
        assert on.app.focused is list(on.app.screen.query(Input))[1]
        assert on.places == []


async def test_a_refusal_of_something_else_is_told_and_the_form_stays() -> None:
    manager = ended()
    async with led(manager, RerunPlace(12)) as on:
        manager.error = ConflictError("project lens is archived")
        await on.press("ctrl+s")
        assert "conflict: project lens is archived" in on.text
        assert fields(on) == ["0.1", "7"]


async def test_escape_goes_back() -> None:
    async with led(ended(), RerunPlace(12)) as on:
        await on.press("escape")
        assert not isinstance(on.app.screen, RerunScreen)


async def test_a_job_without_parameters_can_run_again() -> None:
    manager = ended("run: x\n")
    async with led(manager, RerunPlace(12)) as on:
        await on.press("ctrl+s")
        assert sent(manager) == [(12, False, {})]


async def test_a_job_of_somebody_else_is_no_form() -> None:
    async with led(ended(None), RerunPlace(12)) as on:
        assert "not-found: job 12 shows you no tovi.yaml" in on.text


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_fields_and_outcome_are_in_sight(size: tuple[int, int]) -> None:
    async with led(ended(), RerunPlace(12), size=size) as on:
        for part in ("lr", "seed", "only the 2 tasks", "would be 1 task", "run it again"):
            assert part in on.text


def test_what_a_job_ran_with_beats_the_file() -> None:
    spec = read_spec(SPEC)
    assert params_of(spec, [a_task(params={"seed": "7"})]) == (Param("lr", "0.1", "0.1"), Param("seed", "1", "7"))


def test_stages_that_disagree_leave_a_field_empty() -> None:
    spec = read_spec("stages:\n  a: {run: x, params: {n: 1}}\n  b: {run: x, params: {n: 2}}\n")
    assert params_of(spec, []) == (Param("n", None, None),)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ({"a": "1", "b": "x\\x0ay", "c": ""}, {}),
        ({"a": "2", "b": "x\\x0ay", "c": ""}, {"a": "2", "b": "x\ny"}),
        ({"a": "0", "b": "x\\x0ay", "c": ""}, {"a": "0", "b": "x\ny"}),
        ({"a": "1", "b": "x\\x0ay", "c": "3"}, {"a": "1", "b": "x\ny", "c": "3"}),
        ({"a": "1", "b": "z", "c": ""}, {"a": "1", "b": "z"}),
    ],
)
def test_what_is_sent(typed: dict[str, str], expected: dict[str, str]) -> None:
    params = (Param("a", "0", "1"), Param("b", "0", "x\ny"), Param("c", None, None))
    assert to_send(params, typed) == expected
    assert bool(changed(params, typed)) == bool(expected)
