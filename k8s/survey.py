"""What a look at the cluster's nodes finds: which take tasks, why others do not, and what GPUs there are. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from k8s import capacity
from k8s.amounts import whole
from k8s.capacity import Wanted
from k8s.pods import Json, Pod
from scheduler.snapshot import Node
from tovi_server.core.findings import Finding, fine, note, short
from tovi_server.core.resources import Resources

_SHOWN: Final = 5
_FOR_GPUS: Final = (
    "if nodes have some: install their maker's device plugin, or name what it offers in [executor.kubernetes] gpus"
)


@dataclass(frozen=True, slots=True)
class Shut:
    """Why a node takes no tasks, and what would change that."""

    why: str
    todo: str


@dataclass(frozen=True, slots=True)
class Survey:
    nodes: tuple[Node, ...]
    """Those that take tasks, by name, with what is taken of them."""
    shut: Mapping[str, Shut]
    """Others that the settings want, by name."""
    unwanted: int
    devices: Mapping[str, int]
    """What all nodes offer beyond the usual, by the names of resources."""


def survey(raw_nodes: Sequence[Json], pods: Sequence[Pod], wanted: Wanted) -> Survey:
    found: list[Node] = []
    shut: dict[str, Shut] = {}
    devices: Counter[str] = Counter()
    unwanted, by_node = 0, _by_node(pods)
    for raw in raw_nodes:
        machine = capacity.read_machine(raw, wanted)
        devices += _devices(raw)
        if not machine.is_wanted:
            unwanted += 1
        elif machine.node.ready:
            found.append(capacity.with_foreign(machine, by_node[machine.name], frozenset()))
        else:
            shut[machine.name] = _shut(raw, wanted, is_silent=machine.silent_since is not None)
    return Survey(tuple(found), shut, unwanted, dict(devices))


def _by_node(pods: Sequence[Pod]) -> defaultdict[str, list[Pod]]:
    found: defaultdict[str, list[Pod]] = defaultdict(list)
    for pod in pods:
        found[pod.node].append(pod)
    return found


def roomiest(found: Survey) -> str:
    """The node with the most memory left; empty: none takes tasks."""
    if not found.nodes:
        return ""
    return max(found.nodes, key=lambda one: one.capacity.memory_bytes - one.foreign.memory_bytes).name


def findings(found: Survey, wanted: Wanted) -> Iterator[Finding]:
    yield _takers(found)
    for name, shut in list(found.shut.items())[:_SHOWN]:
        yield note("nodes", f"{name} takes no tasks: {shut.why}", shut.todo)
    if len(found.shut) > _SHOWN:
        yield note("nodes", f"{len(found.shut) - _SHOWN} more take no tasks")
    yield from _gpus(found, wanted)


def _takers(found: Survey) -> Finding:
    count = len(found.nodes) + len(found.shut) + found.unwanted
    if not found.nodes:
        words = f"none of {count} takes tasks"
        if found.unwanted:
            words += f"; {found.unwanted} have not the labels of [executor.kubernetes] node_selector"
        return short(
            "nodes", words, "" if found.shut else "change node_selector, or: kubectl label node NAME KEY=VALUE"
        )
    total, free = Resources(), Resources()
    for node in found.nodes:
        total += node.capacity
        free += node.capacity - node.foreign
    return fine("nodes", f"{len(found.nodes)} of {count} take tasks: {total}, of which {free} are free")


def _gpus(found: Survey, wanted: Wanted) -> Iterator[Finding]:
    offered = [f"{found.devices[name]} {name}" for name in wanted.gpu_resources if name in found.devices]
    others = sorted(found.devices.keys() - set(wanted.gpu_resources))
    if offered:
        yield fine("gpus", f"nodes offer {', '.join(offered)}")
    if others:
        names = ", ".join(f'"{name}"' for name in others)
        todo = f"if these are GPUs for tasks: add to [executor.kubernetes] gpus: {names}"
        yield note("gpus", f"nodes also offer {', '.join(others)}", todo)
    if not offered:
        yield note("gpus", f"no node offers {' or '.join(wanted.gpu_resources)}: no task can have a GPU", _FOR_GPUS)


def _devices(raw: Json) -> Counter[str]:
    offered = raw["status"].get("allocatable") or {}
    return Counter({name: amount for name, text in offered.items() if "/" in name and (amount := whole(text))})


def _shut(raw: Json, wanted: Wanted, *, is_silent: bool) -> Shut:
    name = raw["metadata"]["name"]
    if is_silent:
        return Shut("its kubelet is not ready, or is not heard any more", f"kubectl describe node {name}")
    if raw["spec"].get("unschedulable"):
        return Shut("it is cordoned", f"if tasks may run there: kubectl uncordon {name}")
    taints = [taint for taint in raw["spec"].get("taints") or () if capacity.is_shut([taint], wanted.tolerations)]
    words = ", ".join(_taint(one) for one in taints)
    return Shut(f"it has the taint {words}", "if tasks may run there: add it to [[executor.kubernetes.tolerations]]")


def _taint(taint: Json) -> str:
    value = f"={taint['value']}" if taint.get("value") else ""
    return f"{taint['key']}{value}:{taint['effect']}"
