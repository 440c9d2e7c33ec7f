"""What can never run is refused at once, naming what was asked and the largest machine there is. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from scheduler.snapshot import Node
from tovi_server.core.errors import NeverFitsError
from tovi_server.core.resources import Resources, format_bytes, format_cpus
from tovi_server.core.spec import Spec, StageSpec


def need_room(spec: Spec, nodes: Sequence[Node]) -> None:
    """Every stage must fit on some empty machine; while none is known, everything may.

    Raises:
        NeverFitsError: the first stage that fits nowhere.
    """
    for stage in spec.stages:
        if nodes and not any(stage.request.fits(node.capacity) for node in nodes):
            raise _never(stage, nodes)


def _never(stage: StageSpec, nodes: Sequence[Node]) -> NeverFitsError:
    closest = min(nodes, key=lambda node: _lack(stage.request, node.capacity))
    short = stage.request.shortfalls(closest.capacity)
    asked = " and ".join(_amount(kind, stage.request) for kind in short)
    there = " and ".join(_amount(kind, closest.capacity) for kind in short)
    return NeverFitsError(
        f'stage "{stage.name}" asks for {asked}',
        why=f"no machine has that; the closest, {closest.name}, has {there}",
        hint=f"{_at_most(closest.capacity, short)}; `nodes` lists the machines",
    )


def _at_most(capacity: Resources, short: Sequence[str]) -> str:
    """What to ask for instead; of what the machine has none of, nothing."""
    some = [kind for kind in short if kind != "gpus" or capacity.gpus]
    if not some:
        return "ask for no GPU"
    there = " and ".join(_amount(kind, capacity) for kind in some)
    return f"ask for at most {there}" + (", and no GPU" if len(some) < len(short) else "")


def _lack(asked: Resources, there: Resources) -> tuple[int, float]:
    """How far a machine is from enough: the kinds it lacks, then how much of them."""
    pairs = (
        (asked.cpu_millicores, there.cpu_millicores),
        (asked.memory_bytes, there.memory_bytes),
        (asked.disk_bytes, there.disk_bytes),
        (asked.gpus, there.gpus),
    )
    return len(asked.shortfalls(there)), sum(max(0.0, (want - have) / max(1, want)) for want, have in pairs)


def _amount(kind: str, amount: Resources) -> str:
    match kind:
        case "cpus":
            return f"{format_cpus(amount.cpu_millicores)} cpus"
        case "memory":
            return f"{format_bytes(amount.memory_bytes)} of memory"
        case "disk":
            return f"{format_bytes(amount.disk_bytes)} of disk"
        case "gpus":
            return f"{amount.gpus or 'no'} GPU{'' if amount.gpus == 1 else 's'}"
        case _:
            return _gpu_kind(amount)


def _gpu_kind(amount: Resources) -> str:
    words = "/".join(amount.gpu_models) or "GPUs"
    return f"{words} with {format_bytes(amount.gpu_memory_bytes)}" if amount.gpu_memory_bytes else words
