"""What can be set about the local executor."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from scheduler.local import boot


@dataclass(frozen=True, slots=True)
class LocalSettings:
    """How this machine is offered and watched. None: what the machine has."""

    name: str
    """The node's name."""
    cpus: int | None = None
    memory_bytes: int | None = None
    disk_bytes: int | None = None
    disk_of: Path = Path("/")
    """Whose file system is the disk, when `disk_bytes` is None."""
    gpus: int | None = None
    watch_interval_s: float = 1.0
    """Between two looks at logs and memory."""
    sample_interval_s: float = 10.0
    """Between two looks at what tasks used so far."""
    use_cgroups: bool = True
    """Whether to limit memory by control groups where they can be written."""
    boot_id: str = field(default_factory=boot.boot_id)
    """Of the running kernel: a process of another boot is gone."""
