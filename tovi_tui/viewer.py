"""Who looks, and how: asked of the manager once, when a session begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo

from tovi_server.api import ManagerAPI
from tovi_server.core import views
from tovi_server.core.look import Look

Clock = Callable[[], datetime]


@dataclass(frozen=True, slots=True)
class Viewer:
    """One person at one terminal."""

    me: views.Me
    server: views.ServerInfo
    zone: tzinfo
    clock: Clock
    began_at: datetime

    def look(self) -> Look:
        """How times appear now."""
        return Look(self.clock(), self.zone)

    def moved_to(self, zone: tzinfo) -> Viewer:
        """The same person in another time zone."""
        return replace(self, zone=zone)

    def known_as(self, me: views.Me) -> Viewer:
        """The same person, with what the manager says of them now."""
        return replace(self, me=me)


async def meet(manager: ManagerAPI, *, zone: tzinfo, clock: Clock) -> Viewer:
    """Ask who it is."""
    return Viewer(await manager.me(), await manager.server(), zone, clock, clock())
