"""Which screen shows which place."""

from __future__ import annotations

from tovi_tui.places import Place, QueuePlace
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.queue import QueueScreen


def screen_of(place: Place) -> ToviScreen:
    """A new one."""
    match place:
        case QueuePlace():
            return QueueScreen(place)
        case _:
            raise NotImplementedError(place)
