"""Every key of every screen, alone and in small terminals: it does something, and never ends the session."""

from __future__ import annotations

import pytest

from tests.tui.house import opened, settled, shown
from tests.tui.lab import Lab
from tests.tui.places import PLACES
from tovi_tui.app import ToviApp
from tovi_tui.opening import screen_of


def _keys(place: str) -> list[str]:
    bindings = type(screen_of(PLACES[place])).BINDINGS
    return [key for binding in bindings for key in binding.key.split(",")]  # type: ignore[union-attr]  # all are Bindings


ALL = [(place, key) for place in PLACES for key in _keys(place)]
EVERYWHERE = [key for binding in ToviApp.BINDINGS for key in binding.key.split(",")]  # type: ignore[union-attr]  # as above
ENDING = {"ctrl+c"}


@pytest.mark.parametrize(("place", "key"), ALL)
async def test_a_key_of_a_screen_leaves_a_screen_to_look_at(place: str, key: str) -> None:
    async with opened(Lab(), size=(80, 24)) as pilot:
        pilot.app.open(PLACES[place])  # type: ignore[attr-defined]  # it is ours
        await settled(pilot)
        await pilot.press(key)
        await settled(pilot)
        assert "".join(shown(pilot)).strip()
        await pilot.press("escape")
        await settled(pilot)


@pytest.mark.parametrize("key", [key for key in EVERYWHERE if key not in ENDING])
async def test_a_key_of_everywhere_works_on_each_screen(key: str) -> None:
    async with opened(Lab(), size=(80, 24)) as pilot:
        for place in PLACES.values():
            pilot.app.open(place)  # type: ignore[attr-defined]  # it is ours
            await settled(pilot)
            await pilot.press(key)
            await settled(pilot)
            await pilot.press("escape")
            await settled(pilot)


@pytest.mark.parametrize("place", PLACES)
async def test_a_screen_is_of_use_in_a_small_terminal(place: str) -> None:
    async with opened(Lab(), size=(60, 20)) as pilot:
        pilot.app.open(PLACES[place])  # type: ignore[attr-defined]  # it is ours
        await settled(pilot)
        lines = shown(pilot)
        assert lines[0].startswith(" tovi · lens")
        assert lines[-1].strip(), "the keys are named at the foot"
        assert sum(bool(line.strip()) for line in lines[1:-1]) >= 3, "there is something to see"
