"""The app on a real terminal, led through every screen. Run as `python -m tests.tui.wire_app NAMES TURN`."""

from __future__ import annotations

import asyncio
import sys

from textual.pilot import Pilot

from tests.tui.hostile import Harmless, Hostile
from tests.tui.house import an_app, settled
from tests.tui.lab import Lab
from tests.tui.places import PLACES


async def _visit(pilot: Pilot[None]) -> None:
    """Each screen, drawn once as a whole when all is there."""
    for place in PLACES.values():
        pilot.app.open(place)  # type: ignore[attr-defined]  # it is ours
        await settled(pilot)
        pilot.app.screen.refresh()
        await settled(pilot)
        pilot.app.pop_screen()
        await settled(pilot)
    pilot.app.exit()


async def main(names: str, turn: int) -> None:
    word = {"hostile": Hostile, "harmless": Harmless}[names](turn)
    app = await an_app(Lab(word))
    await app.run_async(auto_pilot=_visit, size=None)  # type: ignore[arg-type]  # Textual calls it with a Pilot[None]


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
