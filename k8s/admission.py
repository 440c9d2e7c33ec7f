"""What the cluster says of a pod that is only tried: whether it would be let in, and what is asked of pods. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from k8s.errors import ApiError, MissingRightError, QuotaError
from tovi_server.core.findings import Finding, fine, note, short

Manifest = dict[str, Any]

_NAMED_NODE: Final = 'where that is the name of a node: [executor.kubernetes] binding = "api" or "kube-scheduler"'
_SHARED: Final = "with accessModes: [ReadWriteMany], of a storage class that can (NFS, CephFS, …)"
_LEVEL: Final = re.compile(r'violates PodSecurity "([a-z]+)')


def bad(manifest: Manifest) -> Manifest:
    """The same pod as no level of PodSecurity but `privileged` lets it in; the refusal then says which one is set."""
    return {**manifest, "spec": {**manifest["spec"], "hostPID": True, "securityContext": {"runAsNonRoot": False}}}


def namespace(name: str, error: ApiError | None) -> Finding:
    """By what became of Tovi's own pod, tried in it."""
    if error is None:
        return fine("namespace", f"{name} is there, and lets Tovi's pods in")
    if error.is_absent:
        return short("namespace", f"there is no namespace {name}", f"kubectl create namespace {name}\n{enforce(name)}")
    if isinstance(error, MissingRightError):
        return note("namespace", f"nothing can be tried in {name} without the right to create pods there")
    if isinstance(error, QuotaError):
        return short(
            "namespace", f"the quota of {name} is used up: {error.message}", f"kubectl describe quota -n {name}"
        )
    todo = f"change what refuses it; {_NAMED_NODE}"
    return short("namespace", f"{name} does not let Tovi's pods in: {error.message or error.what}", todo)


def security(name: str, error: ApiError | None) -> Finding:
    """By what became of the bad pod, where Tovi's own is let in."""
    if error is None:
        return note("pod security", f"{name} lets any pod in; Tovi's pass the level restricted", enforce(name))
    level = _LEVEL.search(error.message)
    if level is None:
        return fine("pod security", f"{name} refuses privileged pods: {error.message or error.what}")
    if level[1] == "restricted":
        return fine("pod security", f"{name} enforces the level restricted")
    return note("pod security", f"{name} enforces the level {level[1]}; Tovi's pods pass restricted", enforce(name))


def enforce(name: str) -> str:
    return f"kubectl label --overwrite namespace {name} pod-security.kubernetes.io/enforce=restricted"


def claim(raw: Mapping[str, Any], namespace: str) -> Finding:
    """By the claim's own object."""
    name, spec, phase = raw["metadata"]["name"], raw["spec"], (raw.get("status") or {}).get("phase", "Pending")
    modes = ", ".join(spec.get("accessModes") or ())
    words = f"{name} in {namespace}: {phase}, {modes}, storage class {spec.get('storageClassName') or '(none)'}"
    if phase != "Bound":
        return short("claim", words, f"kubectl describe pvc {name} -n {namespace}")
    if "ReadWriteMany" not in modes:
        todo = f"make a claim {_SHARED}, and name it in [executor.kubernetes] claim"
        return short("claim", f"{words}: only one node can use it", todo)
    return fine("claim", words)


def no_claim(name: str, namespace: str, error: ApiError) -> Finding:
    """Where its object was not given."""
    if error.is_absent:
        todo = f"kubectl get pvc -n {namespace}: name one in [executor.kubernetes] claim, or make one {_SHARED}"
        return short("claim", f"there is no claim {name} in {namespace}", todo)
    if isinstance(error, MissingRightError):
        words = f"{name} in {namespace} is not visible to Tovi's account, which need not see it; the probe task uses it"
        return note("claim", words, f"kubectl get pvc {name} -n {namespace}")
    return short("claim", f"{name} in {namespace}: {error.what}", "")
