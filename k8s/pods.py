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

_KEPT: Final = frozenset(
    {"annotations", "creationTimestamp", "deletionGracePeriodSeconds", "deletionTimestamp", "finalizers"}
)
"""Of the metadata of ours: the rest is large, and says nothing more."""
_OVER: Final = frozenset({"Succeeded", "Failed"})
_NOTHING: Final[Json] = {}


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
    metadata, spec, status = raw["metadata"], raw["spec"], raw.get("status", _NOTHING)
    request, devices = _request(spec)
    labels = metadata.get("labels") or _NOTHING
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
        raw={"metadata": {name: metadata[name] for name in _KEPT & metadata.keys()}, "status": status}
        if attempt
        else _NOTHING,
    )


def _request(spec: Json) -> tuple[Resources, Mapping[str, int]]:
    """What the scheduler of Kubernetes counts: all that run side by side, or the largest that runs before them."""
    early = [one for one in spec.get("initContainers", ()) if one.get("restartPolicy") != "Always"]
    sidecars = [one for one in spec.get("initContainers", ()) if one.get("restartPolicy") == "Always"]
    total: Counter[str] = Counter()
    for container in (*spec["containers"], *sidecars):
        total += _asked(container)
    for container in early:
        total |= _asked(container)
    total.update(_counted((spec.get("resources") or _NOTHING).get("requests")) - total)
    total += _counted(spec.get("overhead"))
    known = Resources(total.pop("cpu", 0), total.pop("memory", 0), total.pop("ephemeral-storage", 0))
    return known, total


def _asked(container: Json) -> Counter[str]:
    resources = container.get("resources") or _NOTHING
    return _counted({**(resources.get("limits") or _NOTHING), **(resources.get("requests") or _NOTHING)})


def _counted(amounts: Json | None) -> Counter[str]:
    """Cores in thousandths, all else in its own unit."""
    given = (amounts or _NOTHING).items()
    return Counter({name: millicores(amount) if name == "cpu" else whole(amount) for name, amount in given})
