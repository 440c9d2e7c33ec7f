"""The GPUs of this machine, as `nvidia-smi` tells them."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import Final

import structlog

from scheduler.gpu_names import names_of_model

_QUERY: Final = ("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits")
_WITHIN_S: Final = 20

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Gpu:
    model: str
    """In lower case, as `nvidia a100-sxm4-40gb`."""
    memory_bytes: int

    @property
    def names(self) -> tuple[str, ...]:
        """All that a task may call it by."""
        return names_of_model(self.model)


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
