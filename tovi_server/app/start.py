"""What a part of the server is told when it begins."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from tovi_server.core.setting import Section
from tovi_server.settings import Settings


class Kind(StrEnum):
    """What parts there are."""

    RECEIVER = "receiver"
    SCHEDULER = "scheduler"


class Start(Section):
    """Beside it a part is given sockets: its link to the parent, and for a receiver who counts, and where to accept."""

    kind: Kind
    data: Path
    settings: Settings
