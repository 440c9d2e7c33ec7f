"""What this machine has."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from scheduler.local import gpus
from scheduler.local.settings import LocalSettings
from scheduler.snapshot import Node
from tovi_server.core.resources import Resources


def node(settings: LocalSettings) -> Node:
    """This machine as a node. What is set beats what is there."""
    found = gpus.find()
    count = len(found) if settings.gpus is None else settings.gpus
    return Node(
        settings.name,
        Resources(
            cpu_millicores=1000 * _or(settings.cpus, len(os.sched_getaffinity(0))),
            memory_bytes=_or(settings.memory_bytes, _memory_bytes()),
            disk_bytes=_or(settings.disk_bytes, shutil.disk_usage(settings.disk_of).total),
            gpus=count,
            gpu_models=tuple(dict.fromkeys(name for gpu in found for name in gpu.names)) if count else (),
            gpu_memory_bytes=min((gpu.memory_bytes for gpu in found), default=0) if count else 0,
        ),
    )


def _or(wanted: int | None, there: int) -> int:
    return there if wanted is None else wanted


def _memory_bytes() -> int:
    line = next(line for line in Path("/proc/meminfo").read_text().splitlines() if line.startswith("MemTotal:"))
    return int(line.split()[1]) * 1024
