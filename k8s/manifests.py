"""The pod of an attempt. All of it is decided here: a job file sets the image and amounts, and nothing else. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

from k8s import names
from k8s.binding import Binding
from k8s.overlay import Overlay
from k8s.settings import PodSettings
from scheduler.ports import Mount, Order
from tovi_server.core.resources import Resources

Manifest = dict[str, Any]

_DEADLINE_MARGIN: Final = timedelta(minutes=2)
"""How far the cluster's own time limit is behind ours, for while no server runs."""
_NOTHING_MORE: Final = Overlay()
_OF_THE_IMAGE: Final = frozenset({"PATH"})
_SILENT_NODES: Final = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
"""Kubernetes would end what runs on a node that is silent for five minutes, also once it is heard again."""

START: Final = r"""
printf 'tovi: the log is in %s and %s\n' "$2" "$3"
exec >>"$2" 2>>"$3"
tovi_used() {
    case " ${tovi_signals-} " in *' TERM '*) printf 'told\n' >>"$TOVI_SCRATCH/ended" ;; esac
    tovi_cpu='' tovi_peak=''
    if read -r tovi_peak </sys/fs/cgroup/memory.peak; then
        while read -r tovi_name tovi_number; do
            [ "$tovi_name" != usage_usec ] || tovi_cpu=$tovi_number
        done </sys/fs/cgroup/cpu.stat
    else
        read -r tovi_peak </sys/fs/cgroup/memory/memory.max_usage_in_bytes
        read -r tovi_cpu </sys/fs/cgroup/cpuacct/cpuacct.usage && tovi_cpu=$((tovi_cpu / 1000))
    fi
    printf 'used %s %s\n' "$tovi_cpu" "$tovi_peak" >>"$TOVI_SCRATCH/ended"
} 2>/dev/null
trap tovi_used EXIT
. "$1"
"""
"""Runs the script, $1, as the first process of the container, with $2 and $3 as its output and errors."""


def manifest(order: Order, settings: PodSettings, *, image: str, gpu_resource: str) -> Manifest:
    """The pod of an attempt; `gpu_resource` is what its node calls GPUs, if it asks for any."""
    overlay = settings.overlays.get(order.project, _NOTHING_MORE)
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _metadata(order, settings, overlay),
        "spec": {
            **_placement(order.node, settings),
            **_classes(overlay),
            "restartPolicy": "Never",
            "automountServiceAccountToken": False,
            "enableServiceLinks": False,
            "terminationGracePeriodSeconds": max(1, round(order.grace.total_seconds())),
            "activeDeadlineSeconds": round((order.timeout + order.grace + _DEADLINE_MARGIN).total_seconds()),
            "imagePullSecrets": [{"name": name} for name in (*settings.pull_secrets, *overlay.image_pull_secrets)],
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": settings.uid,
                "runAsGroup": settings.gid,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "tolerations": _tolerations(settings),
            "containers": [_container(order, settings, image, gpu_resource)],
            "volumes": [
                {"name": "data", "persistentVolumeClaim": {"claimName": settings.claim}},
                {"name": "scratch", "emptyDir": {}},
                {"name": "shm", "emptyDir": {"medium": "Memory", "sizeLimit": str(order.request.memory_bytes)}},
            ],
        },
    }


def binding(namespace: str, name: str, node: str) -> Manifest:
    """What gives a pod its node."""
    return {
        "apiVersion": "v1",
        "kind": "Binding",
        "metadata": {"namespace": namespace, "name": name},
        "target": {"apiVersion": "v1", "kind": "Node", "name": node},
    }


def _classes(overlay: Overlay) -> Manifest:
    named = {"priorityClassName": overlay.priority_class, "runtimeClassName": overlay.runtime_class}
    return {field: name for field, name in named.items() if name}


def _metadata(order: Order, settings: PodSettings, overlay: Overlay) -> Manifest:
    attempt = order.attempt
    return {
        "name": names.pod_name(settings.prefix, attempt),
        "namespace": settings.namespace,
        "finalizers": [names.FINALIZER],
        "labels": {
            **overlay.labels,
            names.MANAGED_BY: "tovi",
            names.INSTALLATION: settings.installation,
            names.ATTEMPT: names.attempt_label(settings.installation, attempt),
            names.JOB: str(attempt.task.job),
            names.USER: names.label(order.environment["USER"]),
            names.PROJECT: names.label(order.project),
        },
        "annotations": {**overlay.annotations, names.TASK: str(attempt)},
    }


def _placement(node: str, settings: PodSettings) -> Manifest:
    match settings.binding:
        case Binding.TOVI:
            return {"nodeName": node}
        case Binding.API:
            return {"schedulerName": "tovi"}
        case Binding.KUBE_SCHEDULER:
            term = {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
            required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
            return {"affinity": {"nodeAffinity": required}}


def _tolerations(settings: PodSettings) -> list[Manifest]:
    patient = [{"key": key, "operator": "Exists", "effect": "NoExecute"} for key in _SILENT_NODES]
    wanted = [
        {"key": one.key, "operator": one.operator, "value": one.value, "effect": one.effect}
        for one in settings.wanted.tolerations
    ]
    return [*patient, *({name: text for name, text in one.items() if text} for one in wanted)]


def _container(order: Order, settings: PodSettings, image: str, gpu_resource: str) -> Manifest:
    """The image is named as it was written, and when it is pulled is left to Kubernetes: `latest`, or no tag, asks for
    the newest, so the registry is asked at each start; what has another tag or a digest is taken if the node has it.
    """
    amounts = _amounts(order.request, gpu_resource)
    logs = [str(order.control / name) for name in ("stdout.log", "stderr.log")]
    return {
        "name": "task",
        "image": image,
        "command": [_literal(word) for word in ("sh", "-c", START, "tovi", str(order.control / "script.sh"), *logs)],
        "env": [{"name": key, "value": _literal(text)} for key, text in _environment(order).items()],
        "resources": {"requests": amounts, "limits": amounts},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
        "terminationMessagePath": str(order.work / "ended"),
        "volumeMounts": [*_mounts(order, settings)],
    }


def _environment(order: Order) -> dict[str, str]:
    return {name: text for name, text in order.environment.items() if name not in _OF_THE_IMAGE}


def _literal(text: str) -> str:
    """Kubernetes would put variables in the place of `$(NAME)`."""
    return text.replace("$", "$$")


def _mounts(order: Order, settings: PodSettings) -> Iterator[Manifest]:
    for mount in sorted(order.mounts, key=lambda one: len(one.path.parts)):
        yield _of_the_claim(mount, mount.path, settings)
    if order.passwd is not None:
        yield _of_the_claim(Mount(order.passwd), Path("/etc/passwd"), settings)
    yield {"name": "scratch", "mountPath": str(order.work)}
    yield {"name": "shm", "mountPath": "/dev/shm"}  # noqa: S108  # what programs share memory by


def _of_the_claim(mount: Mount, at: Path, settings: PodSettings) -> Manifest:
    path = PurePosixPath(settings.claim_path) / mount.path.relative_to(settings.root)
    return {"name": "data", "mountPath": str(at), "subPath": str(path), "readOnly": not mount.writable}


def _amounts(request: Resources, gpu_resource: str) -> dict[str, str]:
    amounts = {
        "cpu": f"{request.cpu_millicores}m",
        "memory": str(request.memory_bytes),
        "ephemeral-storage": str(request.disk_bytes),
    }
    if request.gpus:
        amounts[gpu_resource] = str(request.gpus)
    return {name: amount for name, amount in amounts.items() if amount not in {"0", "0m"}}
