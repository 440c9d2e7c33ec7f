"""Why a stage's queued tasks do not start, in words and numbers. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from scheduler.nodes import Kept
from scheduler.policies.protocols import Offer
from scheduler.snapshot import StageQueue
from tovi_server.core.reasons import Reason, Value, WaitReason
from tovi_server.core.resources import Resources, format_bytes, format_cpus


def held(entry: StageQueue) -> Reason:
    """The whole entry is held."""
    return Reason(WaitReason.HELD, f"held; `release {entry.job}` lets it go on")


def tasks_held(entry: StageQueue) -> Reason:
    """Each of its queued tasks is held by itself."""
    return Reason(WaitReason.HELD, f"its queued tasks are held; `release {entry.job}.{entry.stage}` lets them go on")


def at_its_limit(entry: StageQueue, running: int) -> Reason:
    """`running` counts tasks of the stage that run or were just placed."""
    return Reason(
        WaitReason.MAX_CONCURRENT,
        f"{running} of at most {entry.max_concurrent} tasks of the stage run",
        {"running": running, "max_concurrent": entry.max_concurrent},
    )


def behind(kept: Kept, request: Resources) -> Reason:
    """It would fit, but only in the room that is kept for a job with a better place in the order."""
    return Reason(
        WaitReason.BEHIND,
        f"job {kept.job} is ahead and waits for {kept.request} on {kept.node}",
        {
            "ahead": kept.job,
            "node": kept.node,
            "asked_cpu_millicores": request.cpu_millicores,
            "asked_memory_bytes": request.memory_bytes,
            "asked_gpus": request.gpus,
            "kept_cpu_millicores": kept.request.cpu_millicores,
            "kept_memory_bytes": kept.request.memory_bytes,
            "kept_gpus": kept.request.gpus,
        },
    )


def next_up() -> Reason:
    """Nothing stands in its way."""
    return Reason(WaitReason.NEXT, "it starts with the next look at the queue")


def lack_of_room(request: Resources, offers: Sequence[Offer]) -> Reason:
    """No node has all of the request free: names the closest one, and what it is short of."""
    ready = [offer for offer in offers if offer.node.ready]
    if not ready:
        words = f"none of {len(offers)} machines takes tasks now" if offers else "no machine has been seen yet"
        return Reason(WaitReason.NO_NODES, words, {"nodes": len(offers)})
    closest = min(ready, key=lambda offer: distance(request, offer))
    message = f"needs {request}; {_shortage(request, closest)}"
    if not request.fits(closest.node.capacity):
        message += "; no machine that is here now has that much even when it is empty"
    return Reason(WaitReason.RESOURCES, message, _numbers(request, closest, nodes=len(ready)))


def kept_for(reason: Reason, node: str) -> Reason:
    """It is the first that finds no room."""
    message = f"{reason.message}; it is first in line, and the next room on {node} is kept for it"
    return replace(reason, message=message, data={**reason.data, "kept_on": node})


def distance(request: Resources, offer: Offer) -> tuple[bool, float]:
    """How far a node is from having room: first whether it never will, then the sum of relative lacks."""
    lacks = (
        (request.cpu_millicores - offer.free.cpu_millicores) / max(1, request.cpu_millicores),
        (request.memory_bytes - offer.free.memory_bytes) / max(1, request.memory_bytes),
        (request.disk_bytes - offer.free.disk_bytes) / max(1, request.disk_bytes),
        (request.gpus - offer.free.gpus) / max(1, request.gpus),
    )
    return not request.fits(offer.node.capacity), sum(max(0.0, lack) for lack in lacks)


def _shortage(request: Resources, offer: Offer) -> str:
    short = request.shortfalls(offer.free)
    if offer.slots == 0:
        return f"the closest machine, {offer.node.name}, runs as many tasks as it takes at once"
    if not short:
        return f"{offer.node.name} has that free, but a policy refuses it"
    parts = [words for kind, words in _amounts(offer).items() if kind in short]
    if "gpu" in short and "gpus" not in short:
        parts.append(f"no GPU of the kind asked for ({_kind(request)})")
    return f"the closest machine, {offer.node.name}, has free {' and '.join(parts)}"


def _amounts(offer: Offer) -> dict[str, str]:
    free, whole = offer.free, offer.node.capacity
    return {
        "cpus": f"{format_cpus(free.cpu_millicores)} of {format_cpus(whole.cpu_millicores)} cpu",
        "memory": f"{format_bytes(free.memory_bytes)} of {format_bytes(whole.memory_bytes)} memory",
        "disk": f"{format_bytes(free.disk_bytes)} of {format_bytes(whole.disk_bytes)} disk",
        "gpus": f"{free.gpus} of {whole.gpus} gpus",
    }


def _kind(request: Resources) -> str:
    words = "/".join(request.gpu_models) or "any model"
    return f"{words} with {format_bytes(request.gpu_memory_bytes)}" if request.gpu_memory_bytes else words


def _numbers(request: Resources, offer: Offer, *, nodes: int) -> dict[str, Value]:
    return {
        "nodes": nodes,
        "node": offer.node.name,
        "asked_cpu_millicores": request.cpu_millicores,
        "free_cpu_millicores": offer.free.cpu_millicores,
        "asked_memory_bytes": request.memory_bytes,
        "free_memory_bytes": offer.free.memory_bytes,
        "asked_disk_bytes": request.disk_bytes,
        "free_disk_bytes": offer.free.disk_bytes,
        "asked_gpus": request.gpus,
        "free_gpus": offer.free.gpus,
    }
