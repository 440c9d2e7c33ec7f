"""Which screen shows which place."""

from __future__ import annotations

from tovi_tui.places import DataPlace, JobPlace, LogPlace, MetricsPlace, NodesPlace, Place, QueuePlace
from tovi_tui.screens.data import DataScreen
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.job import JobScreen
from tovi_tui.screens.log import LogScreen
from tovi_tui.screens.metrics import MetricsScreen
from tovi_tui.screens.nodes import NodesScreen
from tovi_tui.screens.queue import QueueScreen


def screen_of(place: Place) -> ToviScreen:
    """A new one."""
    match place:
        case QueuePlace():
            return QueueScreen(place)
        case DataPlace():
            return DataScreen(place)
        case JobPlace():
            return JobScreen(place)
        case LogPlace():
            return LogScreen(place)
        case MetricsPlace():
            return MetricsScreen(place)
        case NodesPlace():
            return NodesScreen()
        case _:
            raise NotImplementedError(place)
