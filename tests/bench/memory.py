"""The memory of processes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path


def pss_kib(pids: Iterable[int]) -> int:
    """Proportional set sizes added up: what would be free if all of these were gone."""
    return sum(_pss_kib(pid) for pid in pids)


def _pss_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
