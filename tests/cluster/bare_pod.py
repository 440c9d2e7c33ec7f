"""A pod that nobody runs, for what only asks the API server."""

from __future__ import annotations

from typing import Any

from tests import kube


def bare_pod(name: str) -> dict[str, Any]:
    """One that fits *restricted*, and that no scheduler ever looks at."""
    own = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
    everyones = {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}}
    container = {"name": "task", "image": kube.IMAGE, "securityContext": own}
    spec = {"schedulerName": "nobody", "securityContext": everyones, "containers": [container]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
