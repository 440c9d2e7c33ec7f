"""The pictures of the documentation, from the data of the tests: `python -m tests.tui.screenshots`."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Final

from tests.tui.house import opened, rested
from tests.tui.lab import Lab
from tests.tui.places import PLACES

FOLDER: Final = Path("docs/pictures")
SHOWN: Final = ("queue", "task", "log", "metrics", "nodes", "data", "submit")
SIZE: Final = (110, 28)


async def _picture(name: str) -> str:
    async with opened(Lab(), size=SIZE) as pilot:
        pilot.app.open(PLACES[name])  # type: ignore[attr-defined]  # it is ours
        await rested(pilot)
        return _steady(pilot.app.export_screenshot(title="ssh tovi.cluster"))


def _steady(svg: str) -> str:
    """The same picture has the same text: Textual numbers its classes by chance."""
    return re.sub(r"terminal-\d+", "terminal", svg)


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in SHOWN:
        (FOLDER / f"{name}.svg").write_text(asyncio.run(_picture(name)))


if __name__ == "__main__":
    main()
