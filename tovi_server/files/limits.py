"""How much an archive may bring."""

from __future__ import annotations

from dataclasses import dataclass

from tovi_server.core.resources import GIB


@dataclass(frozen=True, slots=True)
class IntakeLimits:
    """Each is checked before the bytes that would break it are kept."""

    total_bytes: int = 10 * GIB
    """All files together."""
    file_bytes: int = 10 * GIB
    entries: int = 100_000
    depth: int = 64
    """Folders in each other."""
    path_bytes: int = 1024
    ratio: int = 1000
    """So many times may an archive grow when it is decompressed, beyond the first 64 MiB."""
