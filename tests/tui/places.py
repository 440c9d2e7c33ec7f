"""Every screen that there is, opened on the lab: pictures, hostile names and small terminals go through all of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tovi_tui.places import Place, QueuePlace

PLACES: Final[Mapping[str, Place]] = {
    "queue": QueuePlace(),
}
