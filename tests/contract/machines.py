"""Machines of every kind that attempts run on. Each outlives its executors."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

from scheduler.local import LocalSettings, open_local_executor
from scheduler.ports import Executor, Order
from tests.fakes_executor import FakeMachine
from tests.local_house import House, WallClock, all_ended
from tests.pods import TASKS, Place


class Machine(Protocol):
    @property
    def house(self) -> House:
        """Where its attempts come from."""

    def open(self) -> AbstractAsyncContextManager[Executor]: ...

    async def is_quiet(self, order: Order) -> None:
        """Once nothing of an attempt that ended runs any more."""

    def runs(self, order: Order) -> int:
        """How many times its program, which says `ran`, was started."""


@dataclass(frozen=True)
class FakeOne:
    house: House
    _machine: FakeMachine = field(default_factory=FakeMachine)

    def open(self) -> AbstractAsyncContextManager[Executor]:
        return self._machine.open(WallClock())

    async def is_quiet(self, order: Order) -> None:
        """Nothing ever runs."""

    def runs(self, order: Order) -> int:
        return self._machine.runs.get(order.attempt, 0)


@dataclass(frozen=True)
class LocalOne:
    house: House
    use_cgroups: bool

    def open(self) -> AbstractAsyncContextManager[Executor]:
        settings = LocalSettings("here", watch_interval_s=0.1, use_cgroups=self.use_cgroups)
        return open_local_executor(settings, clock=WallClock())

    async def is_quiet(self, order: Order) -> None:
        await all_ended(order)

    def runs(self, order: Order) -> int:
        return _said_ran(order)


@dataclass(frozen=True)
class Pods:
    house: House
    place: Place
    installation: str

    def open(self) -> AbstractAsyncContextManager[Executor]:
        return self.place.open_executor(self.installation)

    async def is_quiet(self, order: Order) -> None:
        """A pod's end is told when its container ended, and with that all in it."""

    def runs(self, order: Order) -> int:
        return _said_ran(order)


@contextmanager
def pods_of(place: Place) -> Iterator[Pods]:
    """For several tests, each with attempts of other numbers. In the end there is none any more."""
    installation = f"t{secrets.token_hex(5)}"
    folder = place.folder / installation
    folder.mkdir()
    pods = Pods(House(folder, TASKS, node=place.nodes[0], cpu_millicores=100, in_pods=True), place, installation)
    try:
        yield pods
    finally:
        place.remove_pods(installation)
        shutil.rmtree(folder)


def _said_ran(order: Order) -> int:
    return (order.control / "stdout.log").read_text().count("ran\n")
