"""Pods as this executor sees them: read from the API's JSON into small records. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from k8s import names
from k8s.amounts import millicores, whole
from tovi_server.core.resources import Resources

Json = Mapping[str, Any]

NOTHING: Final[Json] = {}
"""What is said of something that is not there."""
_OVER: Final = frozenset({"Succeeded", "Failed"})


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of the cluster, anybody's."""

    namespace: str
    name: str
    uid: str
    node: str
    """Empty: it has none yet."""
    request: Resources
    """What it holds of its node; its GPUs are in `devices`."""
    devices: Mapping[str, int]
    """Other resources by their names."""
    is_over: bool
    """It holds nothing of its node any more."""
    attempt: str
    """The label of one of this installation's attempts; empty: it is none of ours."""
    raw: Json
    """Metadata and status, of ours alone; empty for the others."""

    @property
    def key(self) -> str:
        return f"{self.namespace}/{self.name}"


def read_pod(raw: Json, installation: str) -> Pod:
    """Raises:
    KeyError, ValueError: it is no pod.
    """
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", NOTHING)
    request, devices = _request(spec)
    labels = metadata.get("labels") or NOTHING
    attempt = labels.get(names.ATTEMPT, "") if labels.get(names.INSTALLATION) == installation else ""
    return Pod(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        node=spec.get("nodeName", ""),
        request=request,
        devices=devices,
        is_over=status.get("phase") in _OVER,
        attempt=attempt,
        raw={"metadata": metadata, "status": status} if attempt else NOTHING,
    )


def condition(pod: Pod, kind: str) -> Json:
    """What the status of one of ours says of this; empty: nothing."""
    conditions = pod.raw["status"].get("conditions") or ()
    return next((one for one in conditions if one.get("type") == kind), NOTHING)


def said(reason: str, message: str) -> str:
    """A reason of the cluster's with its message, as people are told it."""
    return f"{reason}: {message}" if reason and message else reason or message


def _request(spec: Json) -> tuple[Resources, Mapping[str, int]]:
    """What the scheduler of Kubernetes counts: all that run side by side, or the most that is needed before they do.

    See https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers.
    """
    total: Counter[str] = Counter()
    for container in spec["containers"]:
        total += _asked(container)
    sidecars, early = _before(spec)
    total = (total + sidecars) | early
    total |= _asked(spec)
    total += _counted(spec.get("overhead"))
    known = Resources(total.pop("cpu", 0), total.pop("memory", 0), total.pop("ephemeral-storage", 0))
    return known, total


def _before(spec: Json) -> tuple[Counter[str], Counter[str]]:
    """Of what starts before the rest, one after the other: all that stays, and the most that is there at once."""
    staying: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for container in spec.get("initContainers") or ():
        here = staying + _asked(container)
        if container.get("restartPolicy") == "Always":
            staying = here
        most |= here
    return staying, most


def _asked(holder: Json) -> Counter[str]:
    """By a container, or by a pod as a whole. Who has a limit and says no more asks for as much."""
    resources = holder.get("resources") or NOTHING
    return _counted({**(resources.get("limits") or NOTHING), **(resources.get("requests") or NOTHING)})


def _counted(amounts: Json | None) -> Counter[str]:
    """Cores in thousandths, all else in its own unit."""
    given = (amounts or NOTHING).items()
    return Counter({name: millicores(amount) if name == "cpu" else whole(amount) for name, amount in given})
