"""Screens in which people write: where their keys lead, and what they had the manager told."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, cast

from textual.pilot import Pilot

from tests.fakes_manager import FakeManager
from tests.tui.house import SIZE, opened, settled, shown
from tovi_tui.app import ToviApp
from tovi_tui.places import Place


class Led:
    """An app whose later places are written down, not shown."""

    def __init__(self, pilot: Pilot[None]) -> None:
        self.pilot = pilot
        self.app = cast("ToviApp", pilot.app)
        self.places: list[Place] = []
        self.app.open = self.places.append  # type: ignore[assignment, method-assign]  # other screens have tests of their own

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await settled(self.pilot)

    async def type(self, text: str) -> None:
        """Key by key."""
        names = {" ": "space", "\n": "enter"}
        await self.press(*(names.get(letter, letter) for letter in text))

    @property
    def text(self) -> str:
        return "\n".join(shown(self.pilot))


@asynccontextmanager
async def led(manager: FakeManager, place: Place, *, size: tuple[int, int] = SIZE) -> AsyncIterator[Led]:
    """The app on the screen of that place."""
    async with opened(manager, size=size) as pilot:
        cast("ToviApp", pilot.app).open(place)
        await settled(pilot)
        yield Led(pilot)


def asked(manager: FakeManager, verb: str) -> list[Any]:
    """What the manager was asked with that verb, in order."""
    return [arguments for name, arguments in manager.asked if name == verb]
