"""Every screen that there is, opened on the lab: pictures, hostile names and small terminals go through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.tui.lab import SPEC
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

PLACES: Final[Mapping[str, Place]] = {
    "queue": QueuePlace(),
    "job": JobPlace(412),
    "task": JobPlace(412, "412.train.18"),
    "log": LogPlace(("412.train.20",)),
    "metrics": MetricsPlace(412),
    "nodes": NodesPlace(),
    "submit": SubmitPlace(SPEC),
    "rerun": RerunPlace(412),
    "people": AdminPlace(),
    "data": DataPlace("datasets/cifar-10"),
    "logs": LogPlace(("412.train.18", "412.train.20")),
}

DIALOGS: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "help": ("queue", ("question_mark",)),
    "command": ("queue", ("colon", "s")),
    "cancel": ("queue", ("down", "down", "c")),
    "project": ("queue", ("p",)),
    "filter": ("queue", ("slash", *"state:runing")),
    "why": ("job", ("w",)),
    "search": ("log", ("slash", *"val_acc 0.92", "enter")),
    "fetch": ("data", ("down", "f")),
}
"""What is opened over a screen, and with which keys."""
