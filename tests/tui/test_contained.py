"""Textual's features that act on the machine it runs on do nothing: that is the server."""

from __future__ import annotations

import io
import webbrowser
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.app import SuspendNotSupported

from tests.tui.house import an_app, opened, settled, shown
from tests.tui.lab import Lab
from tovi_tui.app import ToviApp


async def test_no_browser_is_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webbrowser, "open", lambda *_: pytest.fail("a browser"))
    async with opened(Lab()) as pilot:
        pilot.app.open_url("https://example.org")
        await pilot.pause()


async def test_no_file_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    async with opened(Lab()) as pilot:
        pilot.app.save_screenshot("a.svg", str(tmp_path))
        pilot.app.deliver_screenshot("a.svg", str(tmp_path))
        pilot.app.deliver_text(io.StringIO("x"), save_directory=tmp_path, save_filename="a")
        pilot.app.deliver_binary(io.BytesIO(b"x"), save_directory=tmp_path, save_filename="b")
        pilot.app.action_screenshot("a.svg", str(tmp_path))
        await pilot.pause(0.1)
    assert list(tmp_path.rglob("*")) == []


async def test_the_terminal_is_not_given_away() -> None:
    async with opened(Lab()) as pilot:
        with pytest.raises(SuspendNotSupported):
            pilot.app.suspend()
        await pilot.press("ctrl+z")
        await settled(pilot)
        assert "412" in "\n".join(shown(pilot))


async def test_textuals_own_palette_is_off() -> None:
    async with opened(Lab()) as pilot:
        pilot.app.action_command_palette()
        await pilot.pause()
        assert "screenshot" not in "\n".join(shown(pilot)).lower()


async def test_a_mistake_ends_it_without_a_word_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    app = await an_app(Lab())
    value = "a value of a variable"
    with pytest.raises(ZeroDivisionError):
        await _break(app, lambda: len(value) / 0)
    assert isinstance(app.mistake, ZeroDivisionError)
    assert app.return_code == 1
    assert value not in "".join(capfd.readouterr())


async def _break(app: ToviApp, mistake: Callable[[], object]) -> None:
    async with app.run_test() as pilot:
        await settled(pilot)
        app.call_later(mistake)
        await pilot.pause()
