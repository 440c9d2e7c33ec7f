"""The GPUs of this machine, as `nvidia-smi` tells them."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import Final

import structlog

_QUERY: Final = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_WITHIN_S: Final = 20
_RTX: Final = re.compile(r"\b[rg]tx [0-9]+")
_SHORT: Final = re.compile(r"\b[a-z]{1,2}[0-9]+[a-z]?\b")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gpu:
    model: str
    """In lower case, as `nvidia a100-sxm4-40gb`."""
    memory_bytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """All that a task may call it by: the full name, and the one people use."""
        short = _RTX.search(self.model) or _SHORT.search(self.model)
        return (self.model,) if short is None else (self.model, short[0].replace(" ", ""))


def find() -> tuple[Gpu, ...]:
    """All of them, in the order of their numbers; none where there is no `nvidia-smi`."""
    try:
        told = subprocess.run(_QUERY, capture_output=True, text=True, timeout=_WITHIN_S, check=True).stdout
        return parse(told)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        log.warning("gpus_not_found", error=str(error))
        return ()


def parse(told: str) -> tuple[Gpu, ...]:
    """Lines of `NAME, MEBIBYTES`.

    Raises:
        ValueError: they have another form.
    """
    return tuple(_gpu(line) for line in told.splitlines() if line.strip())


def _gpu(line: str) -> Gpu:
    model, _, memory = line.rpartition(",")
    return Gpu(model.strip().lower(), int(memory) * 2**20)
