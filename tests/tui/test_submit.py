"""The editor of a tovi.yaml."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable

import pytest
from textual import events

from tests.fakes_manager import FakeManager, a_job
from tests.tui.editing import Led, asked, led
from tests.tui.house import settled, shown
from tovi_server.api import SubmitOptions
from tovi_server.core import views
from tovi_server.core.errors import InvalidSpecError, NeverFitsError, UnavailableError
from tovi_server.core.preferences import LONGEST
from tovi_tui.places import JobPlace, SubmitPlace
from tovi_tui.screens import taking
from tovi_tui.screens.submit import SubmitScreen
from tovi_tui.widgets.yaml_editor import YamlEditor

GOOD = "run: echo hello\n"
BAD = "run: x\ntimeout: soon\n"


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "PAUSE_S", 0.001)


def editor(on: Led) -> YamlEditor:
    return on.app.screen.query_one(YamlEditor)


class Silent(FakeManager):
    """Takes jobs, and its answers do not arrive."""

    async def submit(self, options: SubmitOptions, source: AsyncIterable[bytes]) -> views.Submitted:
        await super().submit(options, source)
        raise UnavailableError("the connection to the server was lost")


async def looked_through(on: Led) -> None:
    """When the pause after the last key is over."""
    await asyncio.sleep(0.05)  # the pause itself is the behaviour
    await settled(on.pilot)


async def test_an_empty_editor_says_what_to_type_with_this_servers_name() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        assert "ssh -p 2222 tovi.cluster submit < tovi.yaml" in on.text


async def test_keys_of_everywhere_are_text_in_the_editor() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.press("1", "5", "q", "question_mark", "colon", "p")
        assert editor(on).text == "15q?:p"


async def test_what_it_would_do_is_beside_it() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(GOOD)) as on:
        await looked_through(on)
        assert "sweep in lens would be 1 task" in on.text
        assert "each asks 4 cpu 16 GiB 1 h100" in on.text
        assert manager.received.endswith(GOOD.encode())


async def test_an_error_is_told_with_its_place_and_the_manager_is_not_asked() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(BAD)) as on:
        await looked_through(on)
        assert '✗ 2:10 timeout: "soon" is not a duration' in on.text
        assert "2✗" in on.text.replace(" ", "")
        assert asked(manager, "check") == []


async def test_an_error_goes_when_it_is_mended() -> None:
    async with led(FakeManager(), SubmitPlace(BAD)) as on:
        editor(on).put(GOOD)
        await looked_through(on)
        assert "✗" not in on.text


async def test_f8_goes_to_the_line_that_is_wrong() -> None:
    async with led(FakeManager(), SubmitPlace(BAD)) as on:
        await looked_through(on)
        await on.press("f8")
        assert editor(on).cursor_location == (1, 9)


async def test_what_only_the_manager_knows_is_placed_by_the_stage_it_names() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace()) as on:
        manager.error = NeverFitsError('stage "train" asks for 12 gpus', why="the closest has 8")
        editor(on).put("stages:\n  prepare: {run: x}\n  train: {run: y}\n")
        await looked_through(on)
        assert '✗ 3:3 stage "train" asks for 12 gpus' in on.text


@pytest.mark.parametrize("key", ["ctrl+s", "f5"])
async def test_submitting_opens_the_job(key: str) -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(GOOD)) as on:
        await on.press(key)
        assert on.places == [JobPlace(12)]
        (options,) = asked(manager, "submit")
        assert isinstance(options, SubmitOptions)
        assert (options.project, bool(options.key)) == ("lens", True)
        assert manager.received.endswith(GOOD.encode())


async def test_the_project_of_the_file_is_the_jobs() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace("project: other\nrun: x\n")) as on:
        await on.press("ctrl+s")
        (options,) = asked(manager, "submit")
        assert isinstance(options, SubmitOptions)
        assert options.project == "other"


async def test_a_text_that_is_wrong_is_not_sent_and_the_cursor_goes_to_its_error() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(BAD)) as on:
        await on.press("ctrl+s")
        assert (editor(on).cursor_location, asked(manager, "submit")) == ((1, 9), [])


async def test_a_refused_text_stays_with_the_reason() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(GOOD)) as on:
        await looked_through(on)
        manager.error = InvalidSpecError("tovi.yaml:1:6: no")
        await on.press("ctrl+s")
        assert "invalid-spec" in on.text
        assert (editor(on).text, on.places) == (GOOD, [])


async def test_sent_again_after_no_answer_it_has_the_same_key() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(GOOD)) as on:
        await looked_through(on)
        manager.error = UnavailableError("nobody answers")
        await on.press("ctrl+s")
        manager.error = None
        await on.press("ctrl+s")
        await on.press("ctrl+s")
        first, again, another = (
            options.key for options in asked(manager, "submit") if isinstance(options, SubmitOptions)
        )
        assert first == again
        assert again != another


async def test_the_text_is_there_again_after_leaving_the_editor() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.type("run: x")
        await on.press("escape", "q", "y")
        assert not isinstance(on.app.screen, SubmitScreen)
        del on.app.open
        on.app.open(SubmitPlace())
        await settled(on.pilot)
        assert editor(on).text == "run: x"


async def test_the_text_is_there_again_in_another_session() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace()) as on:
        await on.type("run: x")
        await looked_through(on)
    async with led(manager, SubmitPlace()) as on:
        assert editor(on).text == "run: x"


async def test_a_text_is_kept_when_the_editor_is_left_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(taking, "PAUSE_S", 60)
    manager = FakeManager()
    async with led(manager, SubmitPlace()) as on:
        await on.type("run: x")
        await on.press("escape", "q", "y")
    assert "run: x" in manager.preferred["draft"]


async def test_the_editor_can_be_left_while_the_manager_is_away() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace()) as on:
        await on.type("run: x")
        manager.error = UnavailableError("nobody answers")
        await on.press("escape", "q", "y")
        assert not isinstance(on.app.screen, SubmitScreen)


async def test_another_session_sends_what_was_not_answered_with_the_same_key() -> None:
    silent = Silent()
    async with led(silent, SubmitPlace(GOOD)) as on:
        await on.press("ctrl+s")
    manager = FakeManager(preferred=silent.preferred)
    async with led(manager, SubmitPlace()) as on:
        await on.press("ctrl+s")
    assert asked(silent, "submit") == asked(manager, "submit")


async def test_what_became_a_job_is_not_there_in_another_session() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace(GOOD)) as on:
        await looked_through(on)
        await on.press("ctrl+s")
    async with led(manager, SubmitPlace()) as on:
        assert editor(on).text == ""


async def test_a_kept_text_does_not_hold_the_session_up() -> None:
    async with led(FakeManager(), SubmitPlace("run: x")) as on:
        await looked_through(on)
        await on.press("ctrl+c")
        assert not on.app.is_running


async def test_leaving_asks_and_no_stays() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.type("run: x")
        await on.press("escape", "escape")
        assert "Leave the editor?" in on.text
        await on.press("n")
        assert isinstance(on.app.screen, SubmitScreen)


async def test_a_text_can_be_thrown_away() -> None:
    manager = FakeManager()
    async with led(manager, SubmitPlace()) as on:
        await on.type("run: x")
        await looked_through(on)
        assert "draft" in manager.preferred
        await on.press("escape", "q", "o")
        assert on.app.draft.text == ""
        assert "draft" not in manager.preferred


async def test_a_text_that_became_a_job_is_not_asked_about() -> None:
    async with led(FakeManager(), SubmitPlace(GOOD)) as on:
        await on.press("ctrl+s", "escape", "q")
        assert not isinstance(on.app.screen, SubmitScreen)


@pytest.mark.parametrize("key", ["enter", "i"])
async def test_after_escape_a_key_leads_back_into_the_text(key: str) -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.press("escape")
        assert not editor(on).has_focus
        await on.press(key)
        assert editor(on).has_focus


async def test_the_tovi_yaml_of_a_job_is_taken_and_undone() -> None:
    manager = FakeManager(details=views.Details(a_job(12, spec="run: old\n"), (), 0))
    async with led(manager, SubmitPlace()) as on:
        await on.type("run: x")
        await on.press("ctrl+o")
        await on.type("12\n")
        assert editor(on).text == "run: old\n"
        await on.press("ctrl+z")
        assert editor(on).text == "run: x"


async def test_a_job_of_somebody_else_gives_no_text() -> None:
    manager = FakeManager(details=views.Details(a_job(12, spec=None), (), 0))
    async with led(manager, SubmitPlace(GOOD)) as on:
        await on.press("ctrl+o")
        await on.type("12\n")
        assert "not-found: job 12 shows you no tovi.yaml" in on.text
        assert editor(on).text == GOOD


async def test_a_file_of_ones_own_is_taken() -> None:
    manager = FakeManager(files={"home/tovi.yaml": b"run: " + b"x" * 300_000})
    async with led(manager, SubmitPlace()) as on:
        await on.press("ctrl+o")
        await on.type("home/tovi.yaml\n")
        assert len(editor(on).text) == 300_005


async def test_f4_chooses_the_project() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.press("f4")
        assert "Work in which project?" in on.text


async def test_ctrl_c_copies_what_is_selected_and_else_asks_before_the_text_is_lost() -> None:
    async with led(FakeManager(), SubmitPlace("#" * LONGEST)) as on:
        await on.type("run: x")
        await on.press("shift+left", "ctrl+c")
        assert on.app.clipboard == "x"
        await on.press("end", "ctrl+c")
        assert "End the session?" in on.text
        await on.press("n")
        assert on.app.is_running


async def test_lines_are_as_deep_as_those_above_and_tab_indents() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        await on.type("stages:\na:\nrun: x")
        await on.press("enter", "tab", "z")
        assert editor(on).text == "stages:\n  a:\n    run: x\n      z"


async def test_whatever_is_pasted_is_harmless() -> None:
    async with led(FakeManager(), SubmitPlace()) as on:
        on.app.post_message(events.Paste("run: \x1b[31mx\r\nname: \u202ey\n"))
        await settled(on.pilot)
        assert editor(on).text == "run: \\x1b[31mx\nname: \\u202ey\n"


async def test_more_than_a_tovi_yaml_may_be_is_left_out() -> None:
    async with led(FakeManager(), SubmitPlace(GOOD)) as on:
        on.app.post_message(events.Paste("x" * 2**20))
        await settled(on.pilot)
        assert editor(on).text == GOOD
        assert "that is too long" in on.text


async def test_keys_and_texts_have_their_tones() -> None:
    async with led(FakeManager(), SubmitPlace("run: 'x'\n")) as on:
        strip = editor(on).render_line(0)
        colours = [
            segment.style.color for segment in strip if segment.style and segment.text.strip() in {"r", "un", "'x'"}
        ]
        assert len(set(colours[1:])) == 2


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (140, 40)])
async def test_text_error_and_outcome_are_in_sight(size: tuple[int, int]) -> None:
    async with led(FakeManager(), SubmitPlace(BAD), size=size) as on:
        await looked_through(on)
        lines = shown(on.pilot)
        assert len(lines) == size[1]
        for part in ("run: x", "✗ 2:10", "Not yet a job", "submit"):
            assert part in on.text
