"""Asking again and again, until something holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")

DEADLINE_S: Final = 60
PAUSE_S: Final = 0.25
"""Who asks a server sooner takes the processor from what is waited for."""


def eventually(holds: Callable[[], T | None], what: str = "it holds", *, deadline_s: float = DEADLINE_S) -> T:
    """What it gives, once that is something."""
    deadline = time.monotonic() + deadline_s
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {deadline_s} s: {what}"
        time.sleep(PAUSE_S)
    return found
