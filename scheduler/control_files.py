"""Files in an attempt's own folder, where nothing that leads elsewhere is followed."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, TextIO


def opened(path: Path, mode: Literal["r", "w", "a"]) -> TextIO:
    """A control file. Were a link planted in the folder, what it leads to stays as it is."""
    return open(path, mode, opener=_no_links)  # a Path takes no opener


def _no_links(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o640)
