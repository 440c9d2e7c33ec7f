"""Which screen shows which place."""

from __future__ import annotations

from typing import assert_never

from tovi_tui.places import (
    AdminPlace,
    DataPlace,
    JobPlace,
    LogPlace,
    MetricsPlace,
    NodesPlace,
    Place,
    QueuePlace,
    RerunPlace,
    SubmitPlace,
)
from tovi_tui.screens.admin import PeopleScreen
from tovi_tui.screens.data import DataScreen
from tovi_tui.screens.frame import ToviScreen
from tovi_tui.screens.job import JobScreen
from tovi_tui.screens.log import LogScreen
from tovi_tui.screens.metrics import MetricsScreen
from tovi_tui.screens.nodes import NodesScreen
from tovi_tui.screens.queue import QueueScreen
from tovi_tui.screens.rerun import RerunScreen
from tovi_tui.screens.submit import SubmitScreen


def screen_of(place: Place) -> ToviScreen:
    """A new one."""
    match place:
        case QueuePlace():
            return QueueScreen(place)
        case RerunPlace():
            return RerunScreen(place)
        case AdminPlace():
            return PeopleScreen()
        case SubmitPlace():
            return SubmitScreen(place)
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
            assert_never(place)
