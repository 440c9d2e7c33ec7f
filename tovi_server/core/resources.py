"""What tasks ask for and machines offer: integers with units, compared and added."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from tovi_server.core.errors import UsageError

KIB, MIB, GIB, TIB = 2**10, 2**20, 2**30, 2**40
LARGEST_BYTES = 2**60

_BYTES = re.compile(r"([0-9]{1,12})(\.[0-9]{1,6})? ?([KMGT])(?:i?B?)", re.ASCII)
_FACTORS = {"K": KIB, "M": MIB, "G": GIB, "T": TIB}


@dataclass(frozen=True, slots=True)
class Resources:
    """An amount of every kind of resource; for a machine what it has, for a task what it asks.

    `gpu_models` are the models a task accepts (empty: any) or the one model a machine has, in lower case.
    `gpu_memory_bytes` is the least memory of each GPU that a task accepts, or what each GPU of a machine has;
    0 means any or unknown.
    """

    cpu_millicores: int = 0
    memory_bytes: int = 0
    disk_bytes: int = 0
    gpus: int = 0
    gpu_models: tuple[str, ...] = ()
    gpu_memory_bytes: int = 0

    def __add__(self, other: Resources) -> Resources:
        """Amounts added; the kind of GPU stays that of the left side."""
        return self._with_amounts_of(other, sign=1)

    def __sub__(self, other: Resources) -> Resources:
        """Amounts subtracted, below zero too; the kind of GPU stays that of the left side."""
        return self._with_amounts_of(other, sign=-1)

    def not_below_zero(self) -> Resources:
        """What has less than nothing of a kind has nothing of it: who asks for none of it fits."""
        return replace(
            self,
            cpu_millicores=max(0, self.cpu_millicores),
            memory_bytes=max(0, self.memory_bytes),
            disk_bytes=max(0, self.disk_bytes),
            gpus=max(0, self.gpus),
        )

    def _with_amounts_of(self, other: Resources, *, sign: int) -> Resources:
        return Resources(
            cpu_millicores=self.cpu_millicores + sign * other.cpu_millicores,
            memory_bytes=self.memory_bytes + sign * other.memory_bytes,
            disk_bytes=self.disk_bytes + sign * other.disk_bytes,
            gpus=self.gpus + sign * other.gpus,
            gpu_models=self.gpu_models,
            gpu_memory_bytes=self.gpu_memory_bytes,
        )

    def shortfalls(self, offered: Resources) -> tuple[str, ...]:
        """In which kinds this request exceeds the offer, e.g. `("cpus", "memory")`; empty when it fits."""
        short = [
            kind
            for kind, asked, there in (
                ("cpus", self.cpu_millicores, offered.cpu_millicores),
                ("memory", self.memory_bytes, offered.memory_bytes),
                ("disk", self.disk_bytes, offered.disk_bytes),
                ("gpus", self.gpus, offered.gpus),
            )
            if asked > there
        ]
        if self.gpus and not self._accepts_gpus_of(offered):
            short.append("gpu")
        return tuple(short)

    def fits(self, offered: Resources) -> bool:
        """Whether the offer meets this request in every kind."""
        return not self.shortfalls(offered)

    def _accepts_gpus_of(self, offered: Resources) -> bool:
        if self.gpu_models and not set(self.gpu_models) & set(offered.gpu_models):
            return False
        return self.gpu_memory_bytes <= offered.gpu_memory_bytes

    def __str__(self) -> str:
        parts = [f"{format_cpus(self.cpu_millicores)} cpu", f"{format_bytes(self.memory_bytes)} memory"]
        if self.gpus:
            kind = "/".join(self.gpu_models) or "gpu"
            parts.append(f"{self.gpus} {kind}")
        return ", ".join(parts)


def parse_bytes(text: str) -> int:
    """Read an amount with its unit, K, M, G or T, all binary: `32G` and `32Gi` are both 32 GiB.

    Raises:
        UsageError: there is no unit, or the amount is out of range.
    """
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        raise UsageError(f'"{text}" is not an amount of memory', why="it is a number with its unit: 512M, 32G, 1.5T")
    number = float(match[1] + (match[2] or ""))
    amount = int(number * _FACTORS[match[3]])
    if not 0 < amount <= LARGEST_BYTES:
        raise UsageError(f'"{text}" is out of range', why="an amount of memory is more than 0 and at most 1048576T")
    return amount


def format_bytes(amount: int) -> str:
    """The amount in its largest binary unit, as in `1.5 GiB`; below a KiB in bytes."""
    for factor, unit in ((TIB, "TiB"), (GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if abs(amount) >= factor - factor // 20480:  # what would be shown as 1024.0 of the next smaller unit
            return f"{amount / factor:.1f}".removesuffix(".0") + f" {unit}"
    return f"{amount} B"


def format_cpus(millicores: int) -> str:
    """Cores without superfluous digits: `4`, `0.5`."""
    return f"{millicores / 1000:.3f}".rstrip("0").rstrip(".")
