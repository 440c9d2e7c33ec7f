"""Every screen as a picture: two sizes, two themes. `pytest --snapshot-update` makes them anew; look at each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.tui.house import an_app, rested, settled
from tests.tui.lab import Lab
from tests.tui.places import DIALOGS, PLACES
from tovi_tui import themes

SIZES = ((80, 24), (140, 40))
Compare = Callable[..., bool]


def _picture(snap_compare: Compare, place: str, keys: tuple[str, ...], size: tuple[int, int], theme: str) -> bool:
    manager = Lab()
    manager.preferred = {"theme": theme}

    async def before(pilot: Pilot[Any]) -> None:
        await settled(pilot)
        pilot.app.open(PLACES[place])  # type: ignore[attr-defined]  # it is ours
        await rested(pilot)
        for part in filter(None, (keys[:-1], keys[-1:])):
            for key in part:
                await pilot.press(key)
                await settled(pilot)
            await rested(pilot)

    return snap_compare(asyncio.run(an_app(manager)), terminal_size=size, run_before=before)


@pytest.mark.parametrize("theme", [themes.DARK, themes.LIGHT])
@pytest.mark.parametrize("size", SIZES, ids=["80x24", "140x40"])
@pytest.mark.parametrize("place", PLACES)
def test_screen(snap_compare: Compare, place: str, size: tuple[int, int], theme: str) -> None:
    assert _picture(snap_compare, place, (), size, theme)


@pytest.mark.parametrize("theme", [themes.DARK, themes.LIGHT])
@pytest.mark.parametrize("dialog", DIALOGS)
def test_dialog(snap_compare: Compare, dialog: str, theme: str) -> None:
    place, keys = DIALOGS[dialog]
    assert _picture(snap_compare, place, keys, SIZES[0], theme)


@pytest.mark.parametrize("theme", [themes.CONTRAST, themes.TERMINAL])
def test_other_themes(snap_compare: Compare, theme: str) -> None:
    assert _picture(snap_compare, "queue", (), (100, 24), theme)
