"""What works on every screen: help, places by number, the `:` line, projects, wishes, toasts, typing ahead."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import cast

import pytest
from textual import events
from textual.app import App
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Input

from tests.fakes_manager import NOW, FakeManager, a_job
from tests.tui.house import SIZE, an_app, opened, rested, settled, shown
from tests.tui.lab import Lab
from tovi_server.core import views
from tovi_server.core.access import Role
from tovi_server.core.errors import UnavailableError
from tovi_server.core.reasons import Reason
from tovi_tui.app import ToviApp
from tovi_tui.places import DataPlace, JobPlace, NodesPlace
from tovi_tui.screens.command import CommandScreen
from tovi_tui.screens.dialogs import TextScreen
from tovi_tui.screens.job import JobScreen
from tovi_tui.session import app_for
from tovi_tui.widgets.row_table import RowTable


class TwoProjects(Lab):
    """`use_project` is believed by `me`."""

    current = "lens"

    async def me(self) -> views.Me:
        return replace(await super().me(), project=self.current, projects={"lens": Role.OWNER, "[b]other": Role.MEMBER})

    async def use_project(self, name: str) -> views.ProjectView:
        self.current = name
        return await super().use_project(name)


def app_of(pilot: Pilot[None]) -> ToviApp:
    return cast("ToviApp", pilot.app)


def text_of(pilot: Pilot[None]) -> str:
    return "\n".join(shown(pilot))


async def typed(pilot: Pilot[None], *keys: str) -> None:
    await pilot.press(*keys)
    await settled(pilot)


async def told(pilot: Pilot[None], text: str) -> None:
    """Type a line after `:`."""
    await typed(pilot, "colon")
    pilot.app.screen.query_one(Input).value = text
    await typed(pilot, "enter")


async def test_help_tells_every_key_of_the_screen_and_of_everywhere() -> None:
    async with opened(Lab(), size=(100, 60)) as pilot:
        described = {binding.description for _, binding in pilot.app.screen._bindings}  # private: no public list
        described |= {binding.description for _, binding in pilot.app._bindings}  # private: as above
        await typed(pilot, "question_mark")
        assert isinstance(pilot.app.screen, TextScreen)
        text = text_of(pilot)
        assert {does for does in described if does not in text} == set()
        await typed(pilot, "escape")
        assert not isinstance(pilot.app.screen, TextScreen)


@pytest.mark.parametrize(
    ("key", "screen"),
    [("1", "QueueScreen"), ("2", "NodesScreen"), ("3", "DataScreen"), ("4", "SubmitScreen"), ("5", "PeopleScreen")],
)
async def test_a_number_opens_a_screen_over_the_queue_alone(key: str, screen: str) -> None:
    async with opened(Lab()) as pilot:
        app_of(pilot).open(JobPlace(412))
        await settled(pilot)
        await typed(pilot, key)
        assert type(pilot.app.screen).__name__ == screen
        assert len(pilot.app.screen_stack) == (2 if key == "1" else 3)


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_line_finds_words_and_actions_of_the_screen(key: str) -> None:
    async with opened(Lab()) as pilot:
        await typed(pilot, key, *"everyb")
        assert isinstance(pilot.app.screen, CommandScreen)
        assert "everybody's" in text_of(pilot)
        await typed(pilot, "enter")
        assert "everybody" in shown(pilot)[0]


async def test_the_line_completes_and_opens() -> None:
    async with opened(Lab()) as pilot:
        await typed(pilot, "colon", *"sho", "tab", *"412", "enter")
        assert isinstance(pilot.app.screen, JobScreen)


async def test_a_word_that_is_none_is_told_in_place_with_what_would_do() -> None:
    async with opened(Lab()) as pilot:
        await told(pilot, "shwo 12")
        assert isinstance(pilot.app.screen, CommandScreen)
        assert 'there is no "shwo"' in text_of(pilot)
        assert "perhaps show" in text_of(pilot)
        await typed(pilot, "escape")
        assert not isinstance(pilot.app.screen, CommandScreen)


async def test_another_project_is_chosen_from_ones_own() -> None:
    async with opened(TwoProjects()) as pilot:
        await typed(pilot, "p")
        assert "[b]other" in text_of(pilot)
        await typed(pilot, "g", "enter")
        assert shown(pilot)[0].startswith(" tovi · [b]other")


@pytest.mark.parametrize("theme", ["light", "contrast", "terminal", "dark"])
async def test_a_theme_is_set_and_remembered(theme: str) -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await told(pilot, f"theme {theme}")
        assert pilot.app.theme == theme
    assert manager.preferred.get("theme") == theme
    assert (await an_app(manager)).theme == theme


async def test_a_zone_is_set_and_one_that_is_none_is_told() -> None:
    async with opened(Lab()) as pilot:
        await told(pilot, "zone Asia/Tokyo")
        assert str(app_of(pilot).viewer.zone) == "Asia/Tokyo"
        await told(pilot, "zone ../../etc/passwd")
        assert "there is no time zone" in text_of(pilot)


async def test_it_opens_where_one_was() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        app_of(pilot).open(NodesPlace())
        app_of(pilot).open(JobPlace(412, "412.train.18"))
        await settled(pilot)
    assert manager.preferred["place"] == "show 412.train.18"
    async with opened(manager) as pilot:
        assert isinstance(pilot.app.screen, JobScreen)
        await typed(pilot, "escape")
        assert manager.preferred["place"].strip() == "queue"


async def test_a_place_that_is_gone_tells_so_and_the_way_back_works() -> None:
    manager = Lab()
    manager.preferred = {"place": "show 99999"}
    async with opened(manager) as pilot:
        assert "there is no 99999" in text_of(pilot)
        await typed(pilot, "escape")
        assert type(pilot.app.screen).__name__ == "QueueScreen"


async def test_nobody_answering_is_a_banner_that_goes_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tovi_tui.screens.frame.RETRY_S", 0.05)
    manager = Lab()
    async with opened(manager) as pilot:
        manager.error = UnavailableError("the manager is away")
        manager.told.put_nowait(views.News(None))
        await pilot.pause()
        await settled(pilot)
        assert "no answer from the server" in text_of(pilot)
        assert "412" in text_of(pilot), "what was shown stays"
        manager.error = None
        async with asyncio.timeout(10):
            while "no answer" in text_of(pilot):
                await pilot.pause(0.05)


def ended_job(**changes: object) -> views.JobView:
    usual = {"state": "failed", "reason": Reason("oom", "out of [red]memory\x1b[2J"), "ended_at": NOW.replace(hour=13)}
    return a_job(412, **{**usual, **changes})


@pytest.mark.parametrize("before", [(), ("question_mark",)], ids=["on the screen", "under a dialog"])
async def test_an_end_of_ones_own_job_is_told_once_with_its_reason(before: tuple[str, ...]) -> None:
    manager = FakeManager(job_list=(ended_job(),))
    async with opened(manager) as pilot:
        await typed(pilot, *before)
        for _ in range(2):
            manager.told.put_nowait(views.News((412,), (412,)))
            await pilot.pause()
            await settled(pilot)
        (toast,) = pilot.app._notifications  # private: there is no public list
        assert "412 sweep failed: out of [red]memory" in toast.message
        assert not toast.markup
        filter, _ = [arguments for verb, arguments in manager.asked if verb == "jobs"][-1]
        assert filter.user == "ada"


async def test_nobody_asks_for_ends_when_nothing_ended() -> None:
    manager = FakeManager(job_list=(ended_job(),))
    async with opened(manager) as pilot:
        before = manager.asked.copy()
        manager.told.put_nowait(views.News((412,)))
        await pilot.pause()
        await settled(pilot)
        assert [verb for verb, _ in manager.asked[len(before) :]] == ["jobs"], "the list asks"
        assert not pilot.app._notifications  # private: there is no public list


@pytest.mark.parametrize("wished", [True, False])
async def test_bell_and_title_only_where_they_are_wished(wished: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    manager = FakeManager(job_list=(ended_job(name="x\x07\x1b]0;evil"),))
    manager.preferred = {"bell": "on", "title": "on"} if wished else {}
    async with opened(manager) as pilot:
        rung: list[bool] = []
        written: list[str] = []
        monkeypatch.setattr(pilot.app, "bell", lambda: rung.append(True))
        monkeypatch.setattr(pilot.app._driver, "write", written.append)
        manager.told.put_nowait(views.News((412,), (412,)))
        await pilot.pause()
        await settled(pilot)
        assert bool(rung) is wished
        titles = [text for text in written if text.startswith("\x1b]2;")]
        assert bool(titles) is wished
        assert all(text.count("\x1b") == 1 and text.count("\x07") == 1 for text in titles)


async def in_one_read(pilot: Pilot[None], keys: str) -> None:
    """Keys as the driver posts them when they arrive together."""
    for key in keys:
        name = {"\r": "enter", "/": "slash", ":": "colon"}.get(key, key)
        pilot.app.post_message(events.Key(name, None if key == "\r" else key))
    await pilot.pause()
    await settled(pilot)
    await pilot.pause()


async def test_a_filter_that_is_typed_in_one_piece_is_a_filter() -> None:
    async with opened(Lab()) as pilot:
        await in_one_read(pilot, "/scan\r")
        assert pilot.app.screen.query_one("#filter", Input).value == "scan"


async def test_a_line_that_is_typed_in_one_piece_is_followed() -> None:
    async with opened(Lab()) as pilot:
        await in_one_read(pilot, ":show 412\r")
        assert isinstance(pilot.app.screen, JobScreen)


async def test_an_answer_that_is_typed_ahead_answers() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        await in_one_read(pilot, "cy")
        assert "cancel" in [verb for verb, _ in manager.asked]


def pictures_of(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What Textual sends out from now on."""
    sent: list[object] = []
    monkeypatch.setattr(App, "_display", lambda app, screen, picture: picture is not None and sent.append(picture))
    return sent


async def test_while_the_client_is_behind_nothing_is_drawn_and_then_all_is(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Lab()) as pilot:
        app_of(pilot).hold_drawing(True)
        sent = pictures_of(monkeypatch)
        await typed(pilot, "2")
        assert sent == []
        app_of(pilot).hold_drawing(False)
        await pilot.pause(0.1)
        assert "node-00" in sent[0].render_segments(pilot.app.console)  # type: ignore[attr-defined]  # as Textual does


async def test_copied_is_only_what_a_key_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Lab()) as pilot:
        copied: list[str] = []
        monkeypatch.setattr(pilot.app, "copy_to_clipboard", copied.append)
        await typed(pilot, "2", "1")
        assert copied == []
        await typed(pilot, "y")
        assert copied
        assert "jobs/" in copied[0]


async def test_ctrl_c_ends_the_session() -> None:
    app = await an_app(Lab())
    async with app.run_test() as pilot:
        await settled(pilot)
        await pilot.press("ctrl+c")
        await pilot.pause()
        assert app._exit  # private: there is no public word for it


async def test_ctrl_l_draws_all_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(Lab()) as pilot:
        sent = pictures_of(monkeypatch)
        await typed(pilot, "ctrl+l")
        await pilot.pause(0.1)
        assert any("cifar-sweep" in one.render_segments(pilot.app.console) for one in sent)  # type: ignore[attr-defined]  # as Textual does


@pytest.mark.parametrize(("value", "is_wished"), [("1", True), ("", False)])
async def test_an_empty_wish_for_no_colour_is_none(
    value: str, is_wished: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    monkeypatch.setenv("TERM", "xterm-256color")
    app = await app_for(Lab(), os.environ)
    assert app.no_color is is_wished
    async with app.run_test(size=SIZE) as pilot:
        await settled(pilot)
        lines = pilot.app.screen._compositor.render_strips(pilot.app.size)  # private: the picture for the terminal
        (cursor,) = [strip for strip in lines if "▸" in strip.text]
        assert all(part.style is not None and bool(part.style.reverse) is is_wished for part in list(cursor)[:1])


async def test_a_row_that_changed_in_one_column_is_not_sent_from_its_left_end(monkeypatch: pytest.MonkeyPatch) -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        sent = pictures_of(monkeypatch)
        pilot.app.screen.query_one(RowTable).refresh(Region(40, 2, 10, 1))
        await pilot.pause(0.1)
        (picture,) = sent
        drawn = picture.render_segments(pilot.app.console)  # type: ignore[attr-defined]  # as Textual does
        assert "running" not in drawn
        assert ";41H" in drawn


async def test_the_time_zone_is_remembered_and_beats_that_of_the_client() -> None:
    manager = Lab()
    manager.preferred = {"zone": "Asia/Tokyo"}
    app = await app_for(manager, {"TZ": "Europe/Berlin"})
    assert str(app.viewer.zone) == "Asia/Tokyo"
    manager.preferred = {}
    assert str((await app_for(manager, {"TZ": "Europe/Berlin"})).viewer.zone) == "Europe/Berlin"


async def test_what_comes_by_itself_takes_no_error_of_the_persons_away() -> None:
    async with opened(Lab()) as pilot:
        await told(pilot, "zone nowhere")
        await rested(pilot)
        assert "there is no time zone" in text_of(pilot)
        await told(pilot, "zone UTC")
        await rested(pilot)
        assert "there is no time zone" not in text_of(pilot)


async def test_a_data_place_is_remembered_with_its_path() -> None:
    manager = Lab()
    async with opened(manager) as pilot:
        app_of(pilot).open(DataPlace("datasets/cifar-10"))
        await settled(pilot)
    assert manager.preferred["place"] == "data datasets/cifar-10"
