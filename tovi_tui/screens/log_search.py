"""Searching in a log: to what was found, and to the first error."""

from __future__ import annotations

from contextlib import aclosing
from typing import Final

from tovi_tui.log_reader import LogReader
from tovi_tui.logs import matches
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.widgets.log_pane import LogPane

ERRORS: Final = ("traceback", "error", "exception")
_ABOVE: Final = 3
"""So many rows stay in sight above what was found."""


async def search(screen: ToviScreen, pane: LogPane, text: str, *, origin: int | None = None) -> None:
    """Go to the nearest place as soon as it is known: behind what is first in sight, else before it."""
    pane.view.mark(text)
    pane.found = None
    origin = pane.view.first_offset if origin is None else origin
    async with aclosing(pane.source.search(text, origin)) as steps:
        async for _ in steps:
            pane.show_title()
            if pane.found is None and any(place >= origin for place in pane.source.matches[-1:]):
                await go_to_match(pane, matches.nearest(pane.source.matches, origin))
    if pane.found is None:
        await go_to_match(pane, matches.nearest(pane.source.matches, origin))
    if pane.found is None:
        screen.say(f' "{text}" is nowhere in it')


async def go_to_match(pane: LogPane, place: int | None) -> None:
    """None: nowhere."""
    if place is not None:
        pane.found = place
        await pane.open_at(place, above=_ABOVE)


async def first_error(screen: ToviScreen, pane: LogPane, reader: LogReader) -> None:
    """In err, where programs tell them, then in out."""
    for stream in ("err", "out"):
        found = {word: await reader.first(word, stream) for word in ERRORS}
        places = {word: place for word, place in found.items() if place is not None}
        if places:
            word = min(places, key=places.__getitem__)
            if reader.stream != stream:
                reader.turn_to(stream, reader.attempt)
            await search(screen, pane, word, origin=places[word])
            return
    screen.say(" no error is told of in err or out")
