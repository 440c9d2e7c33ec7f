"""What the chart makes of all kinds of values, as a real API server takes it, in namespaces that complain."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Sequence

import pytest

from tests import kube
from tests.helm import Values, render

NFS: Values = {"data": {"storageClassName": "", "volume": {"nfs": {"server": "10.0.0.5", "path": "/export/tovi"}}}}
EVERYTHING: Values = {
    "host": "tovi.lab",
    "imagePullSecrets": [{"name": "ours"}],
    "data": {"path": "tovi", "fsGroup": False, "server": {"volumeName": "a"}, "tasks": {"volumeName": "b"}},
    "settings": {
        "limits": {"connections_per_user": 64},
        "executor": {"kubernetes": {"binding": "api", "node_selector": {"kind": "work"}}},
    },
    "policy": 'order = "priority-fifo"\n',
    "receiver": {"replicas": 5, "podAnnotations": {"lab/owner": "ada"}},
    "scheduler": {"replicas": 3},
    "service": {
        "annotations": {"lab/pool": "outside"},
        "loadBalancerClass": "lab/balancer",
        "loadBalancerSourceRanges": ["192.0.2.0/24"],
    },
    "networkPolicy": {
        "ssh": {"from": [{"ipBlock": {"cidr": "192.0.2.0/24"}}]},
        "dns": {"to": [{"ipBlock": {"cidr": "169.254.20.10/32"}}]},
        "database": {"port": 6432, "to": [{"ipBlock": {"cidr": "10.0.0.6/32"}}]},
        "apiServer": {"ports": [6443], "to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}]},
        "tasks": {
            "egress": [{"to": [{"ipBlock": {"cidr": "10.9.0.0/16"}}]}],
            "ingress": [{"from": [{"podSelector": {}}]}],
        },
    },
    "nodeSelector": {"kubernetes.io/os": "linux"},
    "tolerations": [{"key": "infra", "operator": "Exists", "effect": "NoSchedule"}],
    "affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}},
    "priorityClassName": "system-cluster-critical",
}
CASES: dict[str, Values] = {
    "as little as can be said": {},
    "for a trial": {"postgresql": {"bundled": {"enabled": True}}, "service": {"type": "NodePort"}, **NFS},
    "with a port of its own": {"service": {"type": "NodePort", "nodePort": 32221}},
    "with keys of its own": {"hostKeys": {"existingSecret": ""}},
    "with claims that are there": {"data": {"server": {"existingClaim": "a"}, "tasks": {"existingClaim": "b"}}},
    "with all that can be said": EVERYTHING,
    "without what may be left out": {"networkPolicy": {"enabled": False}, "podDisruptionBudget": {"enabled": False}},
}


@pytest.fixture(scope="module")
def name() -> Iterator[str]:
    """Of the tasks' namespace; the server's has `-system` after it."""
    name = f"chart-{secrets.token_hex(3)}"
    both = (name, f"{name}-system")
    labels = {f"pod-security.kubernetes.io/{what}": "restricted" for what in ("enforce", "warn")}
    kube.apply(
        *({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": one, "labels": labels}} for one in both)
    )
    yield name
    for one in both:
        kube.remove_namespace(one)


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_all_of_it_without_a_warning(name: str, case: str) -> None:
    system = f"{name}-system"
    things = render(CASES[case], {"tasks": {"namespace": name}}, namespace=system)

    for namespace in (system, name):
        there = [thing for thing in things if thing["metadata"].get("namespace", system) == namespace]
        assert taken(there, namespace) == len(there) > 0


def taken(things: Sequence[kube.Thing], namespace: str) -> int:
    """How many of them would be made; a warning is an error."""
    told = kube.kubectl(
        *("apply", "--dry-run=server", "--warnings-as-errors", "--namespace", namespace, "-f", "-"),
        stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": things}),
    )
    return told.count("(server dry run)")
