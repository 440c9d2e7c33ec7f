"""Nodes of the cluster as the scheduler sees them: what they have, and what others took of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Set
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from k8s.amounts import millicores, whole
from k8s.pods import NOTHING, Json, Pod
from k8s.tolerations import Toleration
from scheduler.gpu_names import names_of_model
from scheduler.snapshot import Node
from tovi_server.core.resources import Resources

_OUT_OF_SERVICE: Final = "node.kubernetes.io/out-of-service"
_MODEL_LABELS: Final = ("nvidia.com/gpu.product", "amd.com/gpu.product-name", "cloud.google.com/gke-accelerator")
_MEMORY_LABELS: Final = {"nvidia.com/gpu.memory": "{}Mi", "amd.com/gpu.vram": "{}i"}
"""GPU feature discovery writes a number of MiB, the labeller of AMD `64G` for GiB."""
_OS_LABEL: Final = "kubernetes.io/os"
_SHUTS_OUT: Final = frozenset({"NoSchedule", "NoExecute"})
_UNWELL: Final = frozenset({"MemoryPressure", "DiskPressure", "PIDPressure", "NetworkUnavailable"})
"""Conditions in which the kubelet refuses pods, or is about to evict some."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which nodes tasks may run on, and what their GPUs are called there."""

    node_selector: Mapping[str, str]
    tolerations: tuple[Toleration, ...]
    gpu_resources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Machine:
    """A node, without what runs on it."""

    name: str
    node: Node
    gpu_resource: str
    """The name under which it offers GPUs; empty: it has none."""
    silent_since: datetime | None
    """Since when its kubelet has not been heard of, or says that it cannot work; None: it works."""
    is_gone: bool
    """It was declared out of service: nothing runs there any more."""
    is_wanted: bool
    """Tasks may run there."""


def read_machine(raw: Json, wanted: Wanted) -> Machine:
    """Raises:
    KeyError, ValueError: it is no node.
    """
    metadata, spec, status = raw["metadata"], raw.get("spec") or NOTHING, raw["status"]
    labels = metadata.get("labels") or NOTHING
    taints = spec.get("taints") or ()
    conditions = {one["type"]: one for one in status.get("conditions") or ()}
    offered = status.get("allocatable") or NOTHING
    gpu_resource = next((one for one in wanted.gpu_resources if whole(offered.get(one, 0))), "")
    node = Node(
        name=metadata["name"],
        capacity=_capacity(offered, labels, gpu_resource),
        ready=_is_well(conditions) and not spec.get("unschedulable") and not is_shut(taints, wanted.tolerations),
        slots=whole(offered.get("pods", 0)),
    )
    return Machine(
        name=node.name,
        node=node,
        gpu_resource=gpu_resource,
        silent_since=_silent_since(conditions),
        is_gone=any(taint["key"] == _OUT_OF_SERVICE for taint in taints),
        is_wanted=_is_wanted(labels, wanted),
    )


def with_foreign(machine: Machine, pods: Iterable[Pod], known: Set[str]) -> Node:
    """The node less what is on it beside the attempts that the scheduler counts itself, by their labels."""
    foreign, count = Resources(), 0
    for pod in pods:
        if pod.is_over or pod.attempt in known:
            continue
        gpus = pod.devices.get(machine.gpu_resource, 0)
        foreign += replace(pod.request, gpus=gpus)
        count += 1
    slots = max(0, (machine.node.slots or 0) - count)
    return replace(machine.node, foreign=foreign, slots=slots)


def _capacity(offered: Json, labels: Json, gpu_resource: str) -> Resources:
    gpus = whole(offered.get(gpu_resource, 0)) if gpu_resource else 0
    model = next((labels[one] for one in _MODEL_LABELS if one in labels), "")
    return Resources(
        cpu_millicores=millicores(offered.get("cpu", 0)),
        memory_bytes=whole(offered.get("memory", 0)),
        disk_bytes=whole(offered.get("ephemeral-storage", 0)),
        gpus=gpus,
        gpu_models=names_of_model(model.lower().replace("_", " ")) if gpus and model else (),
        gpu_memory_bytes=_gpu_memory(labels) if gpus else 0,
    )


def _gpu_memory(labels: Json) -> int:
    """0: nobody says, or in no words that are known."""
    for label, form in _MEMORY_LABELS.items():
        with suppress(KeyError, ValueError):
            return whole(form.format(labels[label]))
    return 0


def _is_wanted(labels: Json, wanted: Wanted) -> bool:
    if labels.get(_OS_LABEL, "linux") != "linux":
        return False
    return all(labels.get(name) == value for name, value in wanted.node_selector.items())


def _is_well(conditions: Json) -> bool:
    ready = _status(conditions, "Ready") == "True"
    return ready and not any(_status(conditions, kind) == "True" for kind in _UNWELL)


def _silent_since(conditions: Json) -> datetime | None:
    """None too where nobody has said anything yet: nothing ever ran there."""
    if _status(conditions, "Ready") in ("", "True"):
        return None
    return datetime.fromisoformat(conditions["Ready"]["lastTransitionTime"])


def _status(conditions: Json, kind: str) -> str:
    return str(conditions.get(kind, NOTHING).get("status", ""))


def is_shut(taints: Sequence[Json], tolerations: Sequence[Toleration]) -> bool:
    return any(
        taint["effect"] in _SHUTS_OUT and not any(one.tolerates(taint) for one in tolerations) for taint in taints
    )
