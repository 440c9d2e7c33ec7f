"""Which screen shows which place."""

from __future__ import annotations

from tovi_tui.places import Place, QueuePlace, SubmitPlace
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.queue import QueueScreen
from tovi_tui.screens.submit import SubmitScreen


def screen_of(place: Place) -> ToviScreen:
    """A new one."""
    match place:
        case QueuePlace():
            return QueueScreen(place)
        case SubmitPlace():
            return SubmitScreen(place)
        case _:
            raise NotImplementedError(place)
