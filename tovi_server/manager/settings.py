"""What the manager is told by the settings of the server."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_server.core import views


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """The branch of the settings that the manager reads."""

    server: views.ServerInfo
    most_tasks: int = 1_000_000
    """Of one job."""
    queues: tuple[str, ...] = ("default",)
    """Those that exist; the first is taken when nothing is said."""
