"""The app over a manager that answers from memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC

from textual.pilot import Pilot

from tests.fakes_manager import NOW, FakeManager
from tovi_tui.app import ToviApp
from tovi_tui.screens.frame import PERSON
from tovi_tui.viewer import meet
from tovi_tui.wishes import wishes_of

SIZE = (120, 30)
REST_S = 0.5
LONG_REST_S = 2.0
"""As long as a busy machine needs for some keys."""
LEVELS = 4
"""From a field up to the app."""
DEADLINE_S = 60


async def an_app(manager: FakeManager) -> ToviApp:
    viewer = await meet(manager, zone=UTC, clock=lambda: NOW)
    return ToviApp(manager, viewer, await wishes_of(manager))


@asynccontextmanager
async def opened(manager: FakeManager, *, size: tuple[int, int] = SIZE) -> AsyncIterator[Pilot[None]]:
    """The app on its first screen, when all that was asked for has come."""
    app = await an_app(manager)
    async with app.run_test(size=size) as pilot:
        await settled(pilot)
        yield pilot


async def settled(pilot: Pilot[None]) -> None:
    """Wait until all loads and the actions after them are done."""
    async with asyncio.timeout(DEADLINE_S):
        await _heard(pilot)
        while loads := [worker for worker in pilot.app.workers if worker.group not in {"news", PERSON}]:
            await pilot.app.workers.wait_for_complete(loads)
            await _heard(pilot)


async def _heard(pilot: Pilot[None]) -> None:
    """Messages have come as far up as they go. On a busy machine `pause` alone takes it for idle too early."""
    for _ in range(LEVELS):
        await pilot._wait_for_screen()  # private: what each `press` waits for, once
    await pilot.pause()


async def rested(pilot: Pilot[None], rest_s: float = REST_S) -> None:
    """As `settled`, with the cursor so long where it is that what is asked only then has come too."""
    await settled(pilot)
    await pilot.pause(rest_s)
    await settled(pilot)


def shown(pilot: Pilot[None]) -> list[str]:
    """What is on the screen, a text a line, without spaces at the right."""
    size = pilot.app.size
    strips = pilot.app.screen._compositor.render_strips(size)  # private: the picture as it goes to the terminal
    return [strip.text.rstrip() for strip in strips]
