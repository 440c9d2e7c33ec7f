"""How much an archive may bring."""

from __future__ import annotations

from tovi_server.core.resources import GIB
from tovi_server.core.setting import Amount, Section


class IntakeLimits(Section):
    """Each is checked before the bytes that would break it are kept."""

    total_bytes: Amount = 10 * GIB
    """All files together."""
    file_bytes: Amount = 10 * GIB
    """One of them."""
    entries: int = 100_000
    """Files, folders and links together."""
    depth: int = 64
    """Folders in each other."""
    path_bytes: int = 1024
    """The longest path."""
    ratio: int = 1000
    """So many times may an archive grow when it is decompressed, beyond the first 64 MiB."""
