"""Who looks, and how: asked of the manager once, when a session begins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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

    def look(self) -> Look:
        """How times appear now."""
        return Look(self.clock(), self.zone)

    @property
    def ssh(self) -> str:
        """What to type for this server after `ssh`."""
        port = self.server.port
        return self.server.name if port == 22 else f"-p {port} {self.server.name}"


async def meet(manager: ManagerAPI, *, zone: tzinfo, clock: Clock) -> Viewer:
    """Ask who it is."""
    return Viewer(await manager.me(), await manager.server(), zone, clock)
