"""This boot of the machine: its id, and the clock that process start times are told in."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

TICKS_A_SECOND: Final = os.sysconf("SC_CLK_TCK")


def boot_id() -> str:
    """Another one after each boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def uptime_s() -> float:
    """Since boot, with the time asleep."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)
