"""What the manager is told by the settings of the server."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto

from tovi_server.core import views


class Images(Enum):
    """What `image:` in a job file does."""

    UNUSED = auto()
    """Nothing: tasks are processes of this machine."""
    OPTIONAL = auto()
    """Tasks run in it; there is one for those that name none."""
    REQUIRED = auto()
    """Tasks run in it; there is none for those that name none."""


@dataclass(frozen=True, slots=True)
class ManagerSettings:
    """The branch of the settings that the manager reads."""

    server: views.ServerInfo
    most_tasks: int = 1_000_000
    """Of one job."""
    queues: tuple[str, ...] = ("default",)
    """Those that exist; the first is taken when nothing is said."""
    images: Images = Images.UNUSED
