"""Keeps what this process has open from those it starts."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

_STANDARD: Final = 2


def keep_private() -> None:
    """Descriptors that this process was started with would reach every task: Python closes only its own on exec."""
    for entry in Path("/proc/self/fd").iterdir():
        if int(entry.name) > _STANDARD:
            with suppress(OSError):  # the one that lists the folder
                os.set_inheritable(int(entry.name), False)
